package protocol

// properties holds the text of a message's properties, so that their order
// does not matter: clients write the type last. Nil means absent.
type properties struct {
	typ, invocationID, target, arguments, streamIDs, headers []byte
	item, result, error, allowReconnect, sequenceID          []byte
}

// slot returns where the property of the given name is kept, nil if it is of
// no interest. Names are case-sensitive.
func (p *properties) slot(name []byte) *[]byte {
	switch string(name) {
	case "type":
		return &p.typ
	case "invocationId":
		return &p.invocationID
	case "target":
		return &p.target
	case "arguments":
		return &p.arguments
	case "streamIds":
		return &p.streamIDs
	case "headers":
		return &p.headers
	case "item":
		return &p.item
	case "result":
		return &p.result
	case "error":
		return &p.error
	case "allowReconnect":
		return &p.allowReconnect
	case "sequenceId":
		return &p.sequenceID
	}
	return nil
}

// decode fills m, whose type is set, from the properties that its type has.
func (p *properties) decode(m *Message) (err error) {
	switch m.Type {
	case TypeInvocation, TypeStreamInvocation:
		err = p.invocation(m)
	case TypeStreamItem:
		if err = p.id(m); err == nil && p.item == nil {
			err = errMissing("item")
		}
		m.Item = p.item
	case TypeCompletion:
		if err = p.id(m); err == nil && p.error != nil {
			m.Error, err = jsonString(p.error, "error")
		}
		if err == nil && p.error != nil && p.result != nil {
			err = &ParseError{Text: "The 'error' and 'result' properties are mutually exclusive."}
		}
		m.Result, m.HasResult = p.result, p.result != nil
	case TypeCancelInvocation:
		err = p.id(m)
	case TypeClose:
		err = p.close(m)
	case TypeAck, TypeSequence:
		if p.sequenceID == nil {
			return errMissing("sequenceId")
		}
		if m.SequenceID, err = jsonInt(p.sequenceID, 64); err != nil {
			err = errKind("sequenceId", "Number")
		}
	}
	if err == nil && p.headers != nil && m.Type.Counted() {
		m.Headers, err = jsonHeaders(p.headers)
	}
	return err
}

// id reads the invocation id that most messages must have.
func (p *properties) id(m *Message) (err error) {
	if p.invocationID == nil {
		return errMissing("invocationId")
	}
	m.InvocationID, err = jsonString(p.invocationID, "invocationId")
	if err == nil && m.InvocationID == "" {
		err = errMissing("invocationId")
	}
	return err
}

func (p *properties) invocation(m *Message) (err error) {
	if m.Type == TypeStreamInvocation {
		err = p.id(m)
	} else if p.invocationID != nil {
		m.InvocationID, err = jsonString(p.invocationID, "invocationId")
	}
	if err != nil {
		return err
	}
	if p.target == nil {
		return errMissing("target")
	}
	if m.Target, err = jsonString(p.target, "target"); err != nil {
		return err
	}
	if m.Target == "" {
		return errMissing("target")
	}
	if p.arguments == nil {
		return errMissing("arguments")
	}
	if p.arguments[0] != '[' {
		return errKind("arguments", "Array")
	}
	eachElement(p.arguments, func(v []byte) { m.Arguments = append(m.Arguments, v) })
	if p.streamIDs == nil {
		return nil
	}
	if p.streamIDs[0] != '[' {
		return errKind("streamIds", "Array")
	}
	eachElement(p.streamIDs, func(v []byte) {
		var id string
		if err == nil {
			id, err = jsonString(v, "streamIds")
			m.StreamIDs = append(m.StreamIDs, id)
		}
	})
	return err
}

func (p *properties) close(m *Message) (err error) {
	if p.error != nil {
		if m.Error, err = jsonString(p.error, "error"); err != nil {
			return err
		}
	}
	switch {
	case p.allowReconnect == nil:
	case p.allowReconnect[0] == 't':
		m.AllowReconnect = true
	case p.allowReconnect[0] != 'f':
		return &ParseError{Text: "Expected 'allowReconnect' to be true or false."}
	}
	return nil
}

package signalr

import (
	"context"
	"fmt"
	"reflect"

	"hubline/signalr/protocol"
)

// method is a registered function and the plan of how to call it, made once.
type method struct {
	name      string
	fn        reflect.Value
	args      []reflect.Type // what clients send
	ctx, call bool           // wants a context, a Caller
	result    bool
	err       bool
}

var (
	typeContext = reflect.TypeFor[context.Context]()
	typeCaller  = reflect.TypeFor[Caller]()
	typeError   = reflect.TypeFor[error]()
)

func newMethod(name string, fn any) *method {
	v := reflect.ValueOf(fn)
	bad := func(why string) {
		panic(fmt.Sprintf("signalr: method %s: %s", name, why))
	}
	if v.Kind() != reflect.Func || v.IsNil() {
		bad("not a function")
	}
	t := v.Type()
	if t.IsVariadic() {
		bad("variadic")
	}
	m := &method{name: name, fn: v}
	in := 0
	if in < t.NumIn() && t.In(in) == typeContext {
		m.ctx = true
		in++
	}
	if in < t.NumIn() && t.In(in) == typeCaller {
		m.call = true
		in++
	}
	for ; in < t.NumIn(); in++ {
		if p := t.In(in); p == typeContext || p == typeCaller {
			bad("context and Caller must come first, in this order")
		}
		m.args = append(m.args, t.In(in))
	}
	out := t.NumOut()
	if out > 0 && t.Out(out-1) == typeError {
		m.err = true
		out--
	}
	if out > 1 {
		bad("more than one result")
	}
	m.result = out == 1
	return m
}

// bind decodes a call's arguments and puts in front what the function wants
// besides them.
func (m *method) bind(ctx context.Context, c Caller, codec protocol.Codec, args []protocol.Raw) ([]reflect.Value, error) {
	in := make([]reflect.Value, 0, len(m.args)+2)
	if m.ctx {
		in = append(in, reflect.ValueOf(ctx))
	}
	if m.call {
		in = append(in, reflect.ValueOf(c))
	}
	for i, t := range m.args {
		p := reflect.New(t)
		if err := codec.Unmarshal(args[i], p.Interface()); err != nil {
			return nil, fmt.Errorf("argument %d of %s: %w", i, m.name, err)
		}
		in = append(in, p.Elem())
	}
	return in, nil
}

// run calls the function. A panic is returned as an error of its own type.
func (m *method) run(in []reflect.Value) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicError{value: p}
		}
	}()
	out := m.fn.Call(in)
	if m.err {
		err, _ = reflect.TypeAssert[error](out[len(out)-1])
	}
	if m.result && err == nil {
		result = out[0].Interface()
	}
	return result, err
}

// panicError is what a method panicked with.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

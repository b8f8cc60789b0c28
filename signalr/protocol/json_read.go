package protocol

import (
	"strconv"
	"unicode/utf8"

	"hubline/internal/jsonscan"
)

// eachProperty calls f for every property of the JSON object in b, which must
// be all that b holds. f may be called before an error is found.
func eachProperty(b []byte, f func(name, value []byte)) error {
	if !utf8.Valid(b) {
		return errJSON
	}
	i := jsonscan.SkipSpace(b, 0)
	if i == len(b) {
		return errJSON
	}
	if b[i] != '{' {
		if end := jsonscan.Lenient.SkipValue(b, i, MaxDepth); end < 0 || jsonscan.SkipSpace(b, end) != len(b) {
			return errJSON
		}
		return parseErrorf("Unexpected JSON Token Type '%s'. Expected a JSON Object.", tokenName(b[i]))
	}
	i = jsonscan.SkipSpace(b, i+1)
	done := i < len(b) && b[i] == '}'
	if done {
		i++
	}
	for !done {
		keyEnd, value := jsonscan.Lenient.SkipName(b, i)
		if keyEnd < 0 {
			return errJSON
		}
		end := jsonscan.Lenient.SkipValue(b, value, MaxDepth-1)
		if end < 0 {
			return errJSON
		}
		f(jsonscan.Text(b[i:keyEnd], nil), b[value:end:end])
		if i, done = jsonscan.SkipComma(b, end, '}'); i < 0 {
			return errJSON
		}
	}
	if jsonscan.SkipSpace(b, i) != len(b) {
		return errJSON
	}
	return nil
}

// tokenName is .NET's name of the token that starts with c.
func tokenName(c byte) string {
	switch c {
	case '{':
		return "Object"
	case '[':
		return "Array"
	case '"':
		return "String"
	case 't':
		return "True"
	case 'f':
		return "False"
	case 'n':
		return "Null"
	}
	return "Number"
}

// eachElement calls f for every element of a valid JSON array.
func eachElement(b []byte, f func(value []byte)) {
	for i := jsonscan.SkipSpace(b, 1); b[i] != ']'; {
		end := jsonscan.Lenient.SkipValue(b, i, MaxDepth)
		f(b[i:end:end])
		next, done := jsonscan.SkipComma(b, end, ']')
		if done {
			return
		}
		i = next
	}
}

func jsonString(v []byte, property string) (string, error) {
	if v[0] != '"' {
		return "", errKind(property, "String")
	}
	return string(jsonscan.Text(v, nil)), nil
}

func jsonInt(v []byte, bits int) (int64, error) {
	return strconv.ParseInt(string(v), 10, bits)
}

func jsonHeaders(v []byte) (map[string]string, error) {
	if v[0] != '{' {
		return nil, errKind("headers", "Object")
	}
	var headers map[string]string
	var bad error
	err := eachProperty(v, func(name, value []byte) {
		if value[0] != '"' {
			if bad == nil {
				bad = parseErrorf("Expected header '%s' to be of type String.", name)
			}
			return
		}
		if headers == nil {
			headers = make(map[string]string)
		}
		headers[string(name)] = string(jsonscan.Text(value, nil))
	})
	if err == nil {
		err = bad
	}
	return headers, err
}

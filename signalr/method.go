package signalr

import (
	"context"
	"fmt"
	"iter"
	"reflect"
)

// method is a registered function and the plan of how to call it, made once.
type method struct {
	name    string
	fn      reflect.Value
	params  []param
	args    int // how many of them the client sends with the call
	uploads int // how many are streams from the client
	result  resultKind
	err     bool // the last result is an error
	allow   func(Caller) bool
}

// param is one parameter of a method.
type param struct {
	kind paramKind
	typ  reflect.Type // of the parameter
	item reflect.Type // of a stream's items
}

type paramKind uint8

const (
	paramArgument paramKind = iota
	paramContext
	paramCaller
	paramChannel  // <-chan T, from the client
	paramSequence // iter.Seq2[T, error], from the client
)

type resultKind uint8

const (
	resultNone resultKind = iota
	resultValue
	resultChannel  // <-chan T or chan T: a stream to the client
	resultSequence // iter.Seq[T]
	resultPairs    // iter.Seq2[T, error]
)

func (k resultKind) streams() bool { return k >= resultChannel }

// needsContext reports whether calls have a context of their own.
func (m *method) needsContext() bool { return m.uploads > 0 || m.result.streams() }

var (
	typeContext = reflect.TypeFor[context.Context]()
	typeCaller  = reflect.TypeFor[Caller]()
	typeError   = reflect.TypeFor[error]()
	typeBool    = reflect.TypeFor[bool]()
)

// newMethod makes the plan. It panics if fn has a form that cannot be called.
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
	for in := range t.Ins() {
		p := newParam(in)
		switch p.kind {
		case paramContext:
			if len(m.params) > 0 {
				bad("the context must come first")
			}
		case paramCaller:
			if n := len(m.params); n > 1 || n == 1 && m.params[0].kind != paramContext {
				bad("the Caller must come first, or behind the context")
			}
		case paramArgument:
			m.args++
		default:
			m.uploads++
		}
		m.params = append(m.params, p)
	}
	out := t.NumOut()
	if out > 0 && t.Out(out-1) == typeError {
		m.err = true
		out--
	}
	if out > 1 {
		bad("more than one result")
	}
	if out == 1 {
		m.result = resultOf(t.Out(0))
	}
	return m
}

func newParam(t reflect.Type) param {
	p := param{typ: t}
	switch {
	case t == typeContext:
		p.kind = paramContext
	case t == typeCaller:
		p.kind = paramCaller
	case t.Kind() == reflect.Chan && t.ChanDir() == reflect.RecvDir:
		p.kind, p.item = paramChannel, t.Elem()
	case isIterator(t, 2) && t.In(0).In(1) == typeError:
		p.kind, p.item = paramSequence, t.In(0).In(0)
	}
	return p
}

func resultOf(t reflect.Type) resultKind {
	switch {
	case t.Kind() == reflect.Chan && t.ChanDir() != reflect.SendDir:
		return resultChannel
	case isIterator(t, 1):
		return resultSequence
	case isIterator(t, 2) && t.In(0).In(1) == typeError:
		return resultPairs
	}
	return resultValue
}

// isIterator reports whether t is iter.Seq (n = 1) or iter.Seq2 (n = 2) of
// anything, by whatever name.
func isIterator(t reflect.Type, n int) bool {
	if t.Kind() != reflect.Func || t.NumIn() != 1 || t.NumOut() != 0 || t.IsVariadic() {
		return false
	}
	y := t.In(0)
	return y.Kind() == reflect.Func && !y.IsVariadic() && y.NumIn() == n && y.NumOut() == 1 && y.Out(0) == typeBool
}

var _ iter.Seq2[int, error] // the form that isIterator looks for

// MethodOption is an option of Handle.
type MethodOption func(*method)

// Require has calls of the method refused unless allow returns true. It runs
// when the call's turn has come.
func Require(allow func(Caller) bool) MethodOption {
	return func(m *method) { m.allow = allow }
}

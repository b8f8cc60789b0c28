package api

import (
	"encoding/json"
	"net/http"
)

// bitwardenError is the error object of the Bitwarden family, with the members
// that its servers always send.
type bitwardenError struct {
	Message          string              `json:"message"`
	ValidationErrors map[string][]string `json:"validationErrors"`
	ErrorModel       bitwardenModel      `json:"errorModel"`
	Error            string              `json:"error"`
	Description      string              `json:"error_description"`
	ExceptionMessage *string             `json:"exceptionMessage"`
	ExceptionStack   *string             `json:"exceptionStackTrace"`
	InnerException   *string             `json:"innerExceptionMessage"`
	Object           string              `json:"object"`
}

type bitwardenModel struct {
	Message string `json:"message"`
	Object  string `json:"object"`
}

// writeBitwardenError answers with the problem in that family's form.
func writeBitwardenError(w http.ResponseWriter, p *Problem) {
	b, err := json.Marshal(bitwardenError{
		Message: p.Title, ValidationErrors: map[string][]string{"": {p.Title}},
		ErrorModel: bitwardenModel{p.Title, "error"}, Object: "error",
	})
	if err != nil {
		w.WriteHeader(p.Status) // a struct of strings always marshals
		return
	}
	_ = writeBody(w, p.Status, jsonType, b) // the client's loss
}

// Package spectest holds what the tests send and receive over HTTP against an
// OpenAPI 3.1 document. The fixtures put a [Transport] under their clients, so that
// a new route, status, header or member that the document does not have fails
// whichever test meets it first.
//
// kin-openapi loads the document, checks that it is valid 3.1, and reads
// parameters. Bodies and headers are judged by jsonschema, which kin-openapi uses
// for 3.1 as well, on the document as it is written: kin-openapi would compile a
// copy of the schema for every body, with parts of it rewritten, and falls back to
// its own validator of 3.0, which does not know all keywords, where it cannot.
package spectest

package api

import _ "embed" // for OpenAPI

// OpenAPI is the description of every route, as served at /openapi.yaml.
//
//go:embed openapi.yaml
var OpenAPI []byte

package app

// Behind says why a watcher is not up to date.
var Behind = behind

// Sources are where a configuration has prices from.
var Sources = sources

// Break ends the HTTP server of a deployment, which goes on otherwise.
func Break(a *App) error { return a.http.Close() }

package app

// Behind says why a watcher is not up to date.
var Behind = behind

// Sources are where a configuration has prices from.
var Sources = sources

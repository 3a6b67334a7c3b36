package app

// Behind says why a watcher is not up to date.
var Behind = behind

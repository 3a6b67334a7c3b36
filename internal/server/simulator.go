package server

var simulatorRoutes = []route{}

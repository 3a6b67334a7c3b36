package server

var orderRoutes = []route{}

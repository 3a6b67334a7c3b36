package server

var cartRoutes = []route{}

package server

var productRoutes = []route{}

package server

var checkoutRoutes = []route{}

package server

var shippingRoutes = []route{}

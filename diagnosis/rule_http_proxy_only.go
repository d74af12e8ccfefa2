package diagnosis

func httpProxyOnly(*Fold) []Finding { return nil }

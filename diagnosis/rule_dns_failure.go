package diagnosis

func dnsFailure(*Fold) []Finding { return nil }

package diagnosis

func iceCredentialFault(*Fold) []Finding { return nil }

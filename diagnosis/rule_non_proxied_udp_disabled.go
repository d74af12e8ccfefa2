package diagnosis

func udpDisabled(*Fold) []Finding { return nil }

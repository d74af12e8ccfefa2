package diagnosis

func vpnChosen(*Fold) []Finding { return nil }

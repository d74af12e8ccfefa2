package diagnosis

func stunFiltered(*Fold) []Finding { return nil }

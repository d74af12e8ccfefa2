package diagnosis

func fingerprintMismatch(*Fold) []Finding { return nil }

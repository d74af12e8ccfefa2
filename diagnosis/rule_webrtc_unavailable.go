package diagnosis

func webrtcUnavailable(*Fold) []Finding { return nil }

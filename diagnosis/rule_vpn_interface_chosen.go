package diagnosis

// vpnChosen: as wrongInterface, and what was chosen is the tunnel of a VPN.
func vpnChosen(f *Fold) []Finding { return f.interfaceFindings(true) }

package main

import (
	"fmt"
	"strconv"
	"strings"
)

// byteSize is a number of bytes as people write it: 256MiB, 1GiB, 500000.
type byteSize int64

// units by their names, the longest first, so that MiB is not read as B.
var units = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}, {"", 1}}

// UnmarshalText reads a size.
func (b *byteSize) UnmarshalText(text []byte) error {
	for _, unit := range units {
		number, ok := strings.CutSuffix(string(text), unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(n >= 0 && n*float64(unit.bytes) < 1<<62) {
			break
		}
		*b = byteSize(n * float64(unit.bytes))
		return nil
	}
	return fmt.Errorf("%q is no size; try 256MiB or 1GB", text)
}

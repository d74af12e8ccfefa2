package e2e

import (
	"fmt"
	"strings"

	"github.com/icescope/icescope/protocol"
)

// Markdown is the list of the scenarios for docs/lab.md.
func Markdown() string {
	var b strings.Builder
	for _, s := range Scenarios {
		fmt.Fprintf(&b, "### %s\n\n%s.\n\n```text\n%s\n```\n\n", s.Name, upperFirst(s.Title), strings.Trim(s.Picture, "\n"))
		fmt.Fprintf(&b, "Verdict: needs `%s`", s.Expect.Needs)
		if s.Expect.Cause != "" {
			fmt.Fprintf(&b, " because of `%s`", s.Expect.Cause)
		}
		b.WriteString(".")
		if len(s.Expect.Must) > 0 {
			fmt.Fprintf(&b, " Also there: %s.", codes(s.Expect.Must))
		}
		fmt.Fprintf(&b, " Would be wrong: %s.", codes(s.Expect.MustNot))
		for _, v := range s.Variants {
			fmt.Fprintf(&b, " Also played with %s and %s", v.Kinds[0], v.Kinds[1])
			if v.Otherwise != nil {
				fmt.Fprintf(&b, ", and then it needs `%s` because of `%s`", v.Otherwise.Needs, v.Otherwise.Cause)
			}
			if v.Weak {
				b.WriteString(", where the cause may stay unnamed")
			}
			b.WriteString(".")
		}
		b.WriteString("\n\n")
	}
	return b.String()
}

func codes(c []protocol.Code) string {
	quoted := make([]string, len(c))
	for i := range c {
		quoted[i] = "`" + string(c[i]) + "`"
	}
	return strings.Join(quoted, ", ")
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

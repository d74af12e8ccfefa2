package catalog

import (
	_ "embed"
	"encoding/json"
	"sync"

	"github.com/icescope/icescope/protocol"
)

// settingsFile holds the settings by code. They are commands and names of products, and so the same in every language. What is written in capitals (SERVER, PEER,
// A, B, FROM, TO) is for the reader to fill in.
//
//go:embed settings.json
var settingsFile []byte

// Settings are what to type where, to remove the cause: by product, ready to be copied. Nil: none is standard knowledge.
func Settings(code protocol.Code) []protocol.Setting { return settings()[code] }

var settings = sync.OnceValue(func() map[protocol.Code][]protocol.Setting {
	var all map[protocol.Code][]protocol.Setting
	if err := json.Unmarshal(settingsFile, &all); err != nil {
		panic("catalog: settings.json: " + err.Error()) // a broken build, and the first test sees it
	}
	return all
})

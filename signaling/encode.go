package signaling

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/icescope/icescope/protocol"
)

// encode writes one frame without escaping HTML: nobody puts a frame into a page, and what a peer sent shall arrive as it was.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("signaling: a protocol type does not encode: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// encodeRelayed writes the protocol.ServerMessage of a description or candidate around a body that is JSON already. This is the hot path.
func encodeRelayed(typ protocol.ClientType, seq, ack int64, from string, ref int, body string) []byte {
	b := make([]byte, 0, len(body)+len(typ)*2+len(from)+96)
	b = append(b, `{"type":"`...)
	b = append(b, typ...)
	b = append(b, `","seq":`...)
	b = strconv.AppendInt(b, seq, 10)
	if ack != 0 {
		b = append(b, `,"ack":`...)
		b = strconv.AppendInt(b, ack, 10)
	}
	b = append(b, `,"from":"`...)
	b = append(b, from...)
	b = append(b, '"')
	if ref != 0 {
		b = append(b, `,"ref":`...)
		b = strconv.AppendInt(b, int64(ref), 10)
	}
	b = append(b, `,"`...)
	b = append(b, typ...)
	b = append(b, `":`...)
	b = append(b, body...)
	return append(b, '}')
}

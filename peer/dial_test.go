package peer

import "testing"

func TestSocketURL(t *testing.T) {
	for page, want := range map[string]string{
		"http://192.0.2.1:8080/r/abc":                    "ws://192.0.2.1:8080/ws?room=abc",
		"https://192.0.2.1:8443/r/abc/?name=x&lang=ja#y": "wss://192.0.2.1:8443/ws?room=abc",
		"http://[2001:db8::1]:8080/r/abc":                "ws://[2001:db8::1]:8080/ws?room=abc",
		"ws://192.0.2.1:8080/ws?room=abc":                "ws://192.0.2.1:8080/ws?room=abc",
	} {
		if got, err := SocketURL(page); err != nil || got != want {
			t.Errorf("%s: got %s, %v", page, got, err)
		}
	}
	for _, page := range []string{"", "192.0.2.1:8080/r/abc", "http://192.0.2.1:8080/", "http://192.0.2.1:8080/r/", "ftp://192.0.2.1/r/abc", "http:///r/abc"} {
		if got, err := SocketURL(page); err == nil {
			t.Errorf("%q is no room, got %s", page, got)
		}
	}
}

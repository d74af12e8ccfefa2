package peer

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"strings"

	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/signaling"
)

// SocketURL is the WebSocket of a room's page: http://host:8080/r/CODE becomes ws://host:8080/ws?room=CODE. A WebSocket URL is taken as it is.
func SocketURL(page string) (string, error) {
	u, err := url.Parse(page)
	if err != nil {
		return "", err
	}
	switch u.Scheme {
	case "ws", "wss":
		return page, nil
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	default:
		return "", fmt.Errorf("%q is not a room's URL; copy it from the page's address bar, as http://HOST:8080/r/CODE", page)
	}
	room, ok := strings.CutPrefix(strings.TrimSuffix(u.Path, "/"), "/r/")
	if !ok || room == "" || strings.Contains(room, "/") || u.Host == "" {
		return "", fmt.Errorf("%q names no room; copy it from the page's address bar, as %s://HOST/r/CODE", page, strings.Replace(u.Scheme, "ws", "http", 1))
	}
	u.Path, u.RawPath, u.RawQuery, u.Fragment = "/ws", "", url.Values{"room": {room}}.Encode(), ""
	return u.String(), nil
}

// dial opens a WebSocket to the room of URL.
func (c *Config) dial(ctx context.Context, hello protocol.Hello) (Transport, error) {
	socket, err := SocketURL(c.URL)
	if err != nil {
		return nil, err
	}
	config := signaling.ClientConfig{Hello: hello, Logger: c.Logger}
	if c.Insecure {
		config.TLS = &tls.Config{InsecureSkipVerify: true} // see Config.Insecure
	}
	client, err := signaling.Dial(ctx, socket, config)
	if err != nil {
		return nil, err // not client: a nil *Client in a Transport is not nil
	}
	return client, nil
}

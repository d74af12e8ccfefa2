package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// terminalSize is also zero for a console that does not understand the colours (ENABLE_VIRTUAL_TERMINAL_PROCESSING).
func terminalSize(f *os.File) (columns, rows int) {
	var mode uint32
	var info windows.ConsoleScreenBufferInfo
	console := windows.Handle(f.Fd())
	if windows.GetConsoleMode(console, &mode) != nil || mode&windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING == 0 || windows.GetConsoleScreenBufferInfo(console, &info) != nil {
		return 0, 0
	}
	return int(info.Window.Right-info.Window.Left) + 1, int(info.Window.Bottom-info.Window.Top) + 1
}

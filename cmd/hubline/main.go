// Command hubline is the server and its command-line tools; see
// `hubline --help`.
package main

import (
	"os"

	"hubline/internal/app"
	"hubline/internal/cli"
)

func main() { os.Exit(cli.Main(app.Run)) }

package cli

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
)

// versionCommand is `hubline version`.
type versionCommand struct {
	JSON bool `help:"Print JSON."`
}

// buildVersion is what is known about how this binary was built.
type buildVersion struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// readVersion reads what the Go toolchain recorded in the binary.
func readVersion() buildVersion {
	v := buildVersion{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			v.Revision = setting.Value
		case "vcs.time":
			v.Time = setting.Value
		case "vcs.modified":
			v.Modified = setting.Value == "true"
		}
	}
	return v
}

// Run prints the version.
func (c versionCommand) Run(env environment) error {
	v := readVersion()
	if c.JSON {
		return json.NewEncoder(env.stdout).Encode(v)
	}
	return say(env.stdout, "hubline %s (%s, %s)\n", v.Version, v.Go, v.Platform)
}

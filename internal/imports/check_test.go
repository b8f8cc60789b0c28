package imports

import (
	"fmt"
	"slices"
	"strings"
)

// module is the path of ours, and the prefix of what belongs to it.
const (
	module = "hubline"
	ours   = module + "/"
)

// graph is what each package of ours imports, by path; ours are named without
// the module, others as they are written.
type graph map[string][]string

// matches reports whether path is meant by a pattern of a room.
func matches(pattern, path string) bool {
	if folder, ok := strings.CutSuffix(pattern, "/..."); ok {
		return below(folder, path)
	}
	return pattern == path
}

func below(folder, path string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// roomOf returns the narrowest room for the package, or nil.
func roomOf(rooms []room, path string) (found *room) {
	best := 0
	for i := range rooms {
		r := &rooms[i]
		folder, wide := strings.CutSuffix(r.path, "/...")
		n := 2 * len(folder)
		if !wide {
			n++
		}
		if matches(r.path, path) && n > best {
			found, best = r, n
		}
	}
	return found
}

// check returns what breaks the rules, sorted.
func check(g graph, rooms []room) (wrong []string) {
	used := map[*room]bool{}
	for path, imports := range g {
		r := roomOf(rooms, path)
		if r == nil {
			wrong = append(wrong, path+" has no room: give it one, with what it may import and why not more")
			continue
		}
		used[r] = true
		for _, p := range imports {
			if _, mine := g[p]; mine && !slices.ContainsFunc(r.may, func(m string) bool { return matches(m, p) }) {
				wrong = append(wrong, fmt.Sprintf("%s imports %s: %s", path, p, r.why))
			}
		}
		for _, n := range r.never {
			for _, what := range n.what {
				if way := g.way(path, what, nil); way != nil {
					wrong = append(wrong, fmt.Sprintf("%s: %s", strings.Join(way, " imports "), n.why))
				}
			}
		}
	}
	for i := range rooms {
		if !used[&rooms[i]] {
			wrong = append(wrong, rooms[i].path+" is a room without a package")
		}
	}
	slices.Sort(wrong)
	return wrong
}

// way returns how from reaches something in folder through packages of ours, or
// nil.
func (g graph) way(from, folder string, seen map[string]bool) []string {
	if seen == nil {
		seen = map[string]bool{}
	}
	if seen[from] {
		return nil
	}
	seen[from] = true
	for _, p := range g[from] {
		if below(folder, p) {
			return []string{from, p}
		}
		if way := g.way(p, folder, seen); way != nil {
			return append([]string{from}, way...)
		}
	}
	return nil
}

package proxies

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// nginxMain is what stands around the files: everything in the edge's own folder.
const nginxMain = `
daemon off;
%[2]s
worker_processes 1;
pid %[1]s/nginx.pid;
lock_file %[1]s/nginx.lock;
error_log stderr notice;
events { worker_connections 512; }
http {
    client_body_temp_path %[1]s/body;
    proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/fastcgi;
    uwsgi_temp_path %[1]s/uwsgi;
    scgi_temp_path %[1]s/scgi;
    access_log %[1]s/access.log;
%[3]s
}
`

// nginxConf completes the configuration. The workers run as the test does, because
// nobody else may look into its folders.
func nginxConf(t testing.TB, dir, http string) string {
	t.Helper()
	who := ""
	if os.Geteuid() == 0 {
		u, err := user.Current()
		if err != nil {
			t.Fatal(err)
		}
		g, err := user.LookupGroupId(u.Gid)
		if err != nil {
			t.Fatal(err)
		}
		who = "user " + u.Username + " " + g.Name + ";"
	}
	return fmt.Sprintf(nginxMain, dir, who, http)
}

func nginxArgs(dir, conf string) []string { return []string{"-p", dir, "-c", conf, "-e", "stderr"} }

func configureNginx(t testing.TB, e *edge, _, addr string) []string {
	t.Helper()
	e.write(t, "hubline-proxy.conf", deployed(t, "nginx/hubline-proxy.conf", "/var/log/nginx/", e.dir+"/"))
	shared := []string{
		"    listen 443 ssl http2;", "    listen " + addr + " ssl http2;",
		"    listen [::]:443 ssl http2;\n", "",
		"/etc/ssl/hubline/", e.dir + "/", "/etc/nginx/snippets/", e.dir + "/",
	}
	with := func(pairs ...string) []string { return append(pairs, shared...) }
	http := strings.Join([]string{
		deployed(t, "nginx/hubline.conf", "127.0.0.1:8080", e.root.Addr, "127.0.0.1:8081", e.based.Addr),
		deployed(t, "nginx/root.conf", shared...),
		deployed(t, "nginx/subpath.conf", with("127.0.0.1:3000", e.app)...),
		deployed(t, "nginx/notifications.conf", with("127.0.0.1:8000", e.app)...),
	}, "\n")
	return nginxArgs(e.dir, e.write(t, "nginx.conf", nginxConf(t, e.dir, http)))
}

func configureHAProxy(t testing.TB, e *edge, _, addr string) []string {
	t.Helper()
	text := deployed(t, "haproxy/haproxy.cfg",
		"log /dev/log local0", "log stdout format raw local0", "maxconn 50000", "maxconn 500",
		"bind :443 ", "bind "+addr+" ", "/etc/haproxy/certs/", e.dir+"/",
		"127.0.0.1:8080", e.root.Addr, "127.0.0.1:8081", e.based.Addr, "127.0.0.1:3000", e.app, "127.0.0.1:8000", e.app)
	return []string{"-W", "-db", "-f", e.write(t, "haproxy.cfg", text)}
}

// apacheMain loads what the comment in the file says, and what Debian always loads.
const apacheMain = `
ServerRoot %[1]s
DefaultRuntimeDir %[1]s
PidFile %[1]s/apache.pid
Mutex file:%[1]s
ErrorLog /dev/stderr
ServerName 127.0.0.1
Listen %[2]s
User "#65534"
Group "#65534"
%[3]s
%[4]s
`

func configureApache(t testing.TB, e *edge, path, addr string) []string {
	t.Helper()
	modules := filepath.Join(filepath.Dir(path), "../lib/apache2/modules")
	var load strings.Builder
	for _, name := range []string{"mpm_event", "authz_core", "socache_shmcb", "ssl", "proxy", "proxy_http", "headers"} {
		fmt.Fprintf(&load, "LoadModule %s_module %s/mod_%s.so\n", name, modules, name)
	}
	text := deployed(t, "apache/hubline.conf",
		"<VirtualHost *:443>", "<VirtualHost "+addr+">", "/etc/ssl/hubline/", e.dir+"/", "/var/log/apache2/", e.dir+"/",
		"127.0.0.1:8080", e.root.Addr, "127.0.0.1:8081", e.based.Addr, "127.0.0.1:3000", e.app, "127.0.0.1:8000", e.app)
	return []string{"-DFOREGROUND", "-f", e.write(t, "apache.conf", fmt.Sprintf(apacheMain, e.dir, addr, load.String(), text))}
}

// caddyMain keeps Caddy from asking for certificates and from listening elsewhere.
const caddyMain = `
{
	admin off
	auto_https disable_redirects
	skip_install_trust
	default_bind 127.0.0.1
`

func configureCaddy(t testing.TB, e *edge, _, addr string) []string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	pairs := []string{"output file /var/log/caddy/caddy.log", "output stderr", "\n{\n", caddyMain}
	for _, s := range []site{siteRoot, siteSubpath, siteVault} {
		pairs = append(pairs, "\n"+s.host()+" {\n", "\nhttps://"+s.host()+":"+port+" {\n\ttls "+e.dir+"/fullchain.pem "+e.dir+"/privkey.pem\n")
	}
	pairs = append(pairs, "127.0.0.1:8080", e.root.Addr, "127.0.0.1:8081", e.based.Addr, "127.0.0.1:3000", e.app, "127.0.0.1:8000", e.app)
	text := deployed(t, "caddy/Caddyfile", pairs...)
	return []string{"run", "--adapter", "caddyfile", "--config", e.write(t, "Caddyfile", text)}
}

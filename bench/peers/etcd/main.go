// Aviary's counterpart in etcd, for `aviary bench service`: a member that is called in its own process, and a client
// that puts over gRPC. Told what to do by a JSON argument; answers with one line of JSON. Ends when its standard input
// does, so that it never outlives who started it.
//
//	aviary-etcd member '{"name": …}'    a member of a cluster; the one that leads runs the loads, in process
//	aviary-etcd client '{"endpoint": …}' runs the loads over as many connections as the load has Puts under way
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
)

const startMost = 60 * time.Second

// Member says what a member is, and what it is to run once it leads.
type Member struct {
	Name           string `json:"name"`
	Folder         string `json:"folder"`
	ClientURL      string `json:"clientUrl"`
	PeerURL        string `json:"peerUrl"`
	InitialCluster string `json:"initialCluster"`
	// Not even fsync: what memory mode is compared with.
	NoFsync bool   `json:"noFsync"`
	Loads   []Load `json:"loads"`
}

// Client says whom to put to.
type Client struct {
	Endpoint string `json:"endpoint"`
	Loads    []Load `json:"loads"`
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: aviary-etcd member|client JSON"))
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	var err error
	switch os.Args[1] {
	case "member":
		var task Member
		if err = json.Unmarshal([]byte(os.Args[2]), &task); err == nil {
			err = member(task)
		}
	case "client":
		var task Client
		if err = json.Unmarshal([]byte(os.Args[2]), &task); err == nil {
			err = client(task)
		}
	default:
		err = fmt.Errorf("there is nothing called %q to do", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "aviary-etcd:", err)
	os.Exit(1)
}

func member(task Member) error {
	config := embed.NewConfig()
	config.Name = task.Name
	config.Dir = task.Folder
	config.InitialCluster = task.InitialCluster
	config.UnsafeNoFsync = task.NoFsync
	config.Logger = "zap"
	config.LogLevel = "fatal"
	clientURL, err := url.Parse(task.ClientURL)
	if err != nil {
		return err
	}
	peerURL, err := url.Parse(task.PeerURL)
	if err != nil {
		return err
	}
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{*clientURL}, []url.URL{*clientURL}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{*peerURL}, []url.URL{*peerURL}
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	select {
	case <-etcd.Server.ReadyNotify():
	case err := <-etcd.Err():
		return err
	case <-time.After(startMost):
		return fmt.Errorf("no leader within %v", startMost)
	}
	// It is ready, so there is a leader; who it is may still be on its way here.
	for etcd.Server.Leader() == 0 {
		time.Sleep(time.Millisecond)
	}
	if etcd.Server.Leader() != etcd.Server.ID() {
		select {}
	}
	inProcess := v3client.New(etcd.Server)
	if err := runAll(task.Loads, func(int) *clientv3.Client { return inProcess }); err != nil {
		return err
	}
	if etcd.Server.Leader() != etcd.Server.ID() {
		return fmt.Errorf("another member has taken the lead while this one measured")
	}
	select {}
}

// client gives each Put under way a connection of its own.
func client(task Client) error {
	var clients []*clientv3.Client
	connect := func() error {
		one, err := clientv3.New(clientv3.Config{Endpoints: []string{task.Endpoint}, DialTimeout: startMost})
		if err == nil {
			clients = append(clients, one)
		}
		return err
	}
	for _, load := range task.Loads {
		for len(clients) < load.Window {
			if err := connect(); err != nil {
				return err
			}
		}
	}
	return runAll(task.Loads, func(lane int) *clientv3.Client { return clients[lane] })
}

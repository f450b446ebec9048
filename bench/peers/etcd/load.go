package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Load is so many Puts under way at any time, for so long.
type Load struct {
	Window       int     `json:"window"`
	SizeBytes    int     `json:"sizeBytes"`
	WarmUpMillis float64 `json:"warmUpMillis"`
	Millis       float64 `json:"millis"`
}

// Result has the fields of LoadResult in bench/commit/load.ts: microseconds from the call to its return.
type Result struct {
	Window    int     `json:"window"`
	Commits   int     `json:"commits"`
	Millis    float64 `json:"millis"`
	CPUMillis float64 `json:"cpuMillis"`
	P50       float64 `json:"p50"`
	P90       float64 `json:"p90"`
	P99       float64 `json:"p99"`
	P999      float64 `json:"p999"`
	Most      float64 `json:"most"`
}

func millis(count float64) time.Duration { return time.Duration(count * float64(time.Millisecond)) }

func cpuMillis() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}

// run drives a load, a goroutine for each of its Puts under way; client(lane) is where that one puts.
func run(load Load, client func(lane int) *clientv3.Client) (Result, error) {
	value := strings.Repeat("a", load.SizeBytes)
	begin := time.Now().Add(millis(load.WarmUpMillis))
	end := begin.Add(millis(load.Millis))
	samples := make([][]float64, load.Window)
	failures := make([]error, load.Window)
	var lanes sync.WaitGroup
	for lane := 0; lane < load.Window; lane++ {
		lanes.Add(1)
		go func(lane int) {
			defer lanes.Done()
			taken := make([]float64, 0, 1<<16)
			for to := client(lane); ; {
				called := time.Now()
				if !called.Before(end) {
					break
				}
				if _, err := to.Put(context.Background(), "k", value); err != nil {
					failures[lane] = err
					return
				}
				if returned := time.Now(); !returned.Before(begin) && returned.Before(end) {
					taken = append(taken, float64(returned.Sub(called).Nanoseconds())/1e3)
				}
			}
			samples[lane] = taken
		}(lane)
	}
	time.Sleep(time.Until(begin))
	cpu := cpuMillis()
	time.Sleep(time.Until(end))
	cpu = cpuMillis() - cpu
	lanes.Wait()
	for _, err := range failures {
		if err != nil {
			return Result{}, err
		}
	}
	var all []float64
	for _, taken := range samples {
		all = append(all, taken...)
	}
	if len(all) == 0 {
		return Result{}, fmt.Errorf("nothing was committed within %v", millis(load.Millis))
	}
	sort.Float64s(all)
	at := func(fraction float64) float64 {
		k := int(fraction * float64(len(all)))
		if k >= len(all) {
			k = len(all) - 1
		}
		return all[k]
	}
	return Result{
		Window: load.Window, Commits: len(all), Millis: load.Millis, CPUMillis: cpu,
		P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), Most: at(1),
	}, nil
}

// runAll drives one load after the other and prints the results as one line of JSON.
func runAll(loads []Load, client func(lane int) *clientv3.Client) error {
	results := make([]Result, 0, len(loads))
	for _, load := range loads {
		result, err := run(load, client)
		if err != nil {
			return err
		}
		results = append(results, result)
	}
	text, err := json.Marshal(results)
	if err != nil {
		return err
	}
	fmt.Println(string(text))
	return nil
}

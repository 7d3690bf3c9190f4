// A server and a client, static and with system calls of their own. Usage: supervised serve PORT | fetch URL | echo PORT | ask ADDRESS
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func main() {
	switch os.Args[1] {
	case "serve":
		http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			host, _, _ := net.SplitHostPort(r.RemoteAddr)
			fmt.Fprintln(w, "go for", host)
		})
		check(http.ListenAndServe(":"+os.Args[2], nil))
	case "fetch":
		response, err := http.Get(os.Args[2])
		check(err)
		io.Copy(os.Stdout, response.Body)
	case "echo":
		socket, err := net.ListenPacket("udp", ":"+os.Args[2])
		check(err)
		fmt.Println("bound")
		for {
			data := make([]byte, 2000)
			count, from, err := socket.ReadFrom(data)
			check(err)
			socket.WriteTo(data[:count], from)
		}
	case "ask":
		socket, err := net.ListenPacket("udp", ":0")
		check(err)
		to, err := net.ResolveUDPAddr("udp", os.Args[2])
		check(err)
		data := make([]byte, 2000)
		for {
			socket.WriteTo([]byte("asked"), to)
			socket.SetReadDeadline(time.Now().Add(time.Second))
			if count, from, err := socket.ReadFrom(data); err == nil {
				fmt.Println(string(data[:count]), from.String() == to.String())
				return
			}
		}
	}
}

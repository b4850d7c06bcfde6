package main // A robot for contract 1.0 with gorilla/websocket: go run robot.go ws://127.0.0.1:8000 robot-1

import (
	"github.com/gorilla/websocket"
	"os"
	"time"
)

type fields = map[string]interface{}

var outbox = make(chan fields, 10000) // keeps messages while there is no connection
var stops = map[string]chan bool{}    // one for each job; a value cancels it
var running = make(chan bool, 1)      // holds a value while a job runs
func send(kind string, payload fields) {
	payload["robot_id"], payload["timestamp"] = os.Args[2], time.Now()
	outbox <- fields{"type": kind, "payload": payload}
}
func heartbeat() {
	send("heartbeat", fields{"status": [...]string{"idle", "busy"}[len(running)], "cpu_percent": 0, "memory_mb": 0})
	time.AfterFunc(5*time.Second, heartbeat)
}
func work(job string, stop chan bool, parameters fields) {
	send("job_status", fields{"job_id": job, "status": "claimed", "progress": 0})
	end, steps, seconds := "completed", parameters["steps"].(float64), parameters["seconds"].(float64)
	for step := 0.0; step < steps && end == "completed"; step++ {
		send("job_status", fields{"job_id": job, "status": "running", "progress": int(100 * step / steps)})
		send("log", fields{"job_id": job, "level": "INFO", "message": "a step begins"})
		select {
		case <-stop:
			end = "failed"
		case <-time.After(time.Duration(1e9 * seconds)):
		}
	}
	send("job_status", fields{"job_id": job, "status": end, "progress": 100})
	<-running
}
func read(socket *websocket.Conn, err error) {
	for in := (fields{}); err == nil && socket.ReadJSON(&in) == nil; in = (fields{}) {
		payload := in["payload"].(fields)
		if job, _ := payload["job_id"].(string); in["type"] == "job_cancel" && stops[job] != nil {
			stops[job] <- true
		} else if in["type"] == "job_assign" && stops[job] == nil {
			stops[job] = make(chan bool, 100)
			running <- true
			go work(job, stops[job], payload["parameters"].(fields))
		}
	}
}
func main() {
	url := os.Args[1] + "/ws/robot/" + os.Args[2] + "?api_key=" + os.Getenv("CASARE_API_KEY")
	heartbeat()
	for seconds := 1; ; seconds = seconds * 2 % 63 { // 1, 2, 4, 8, 16, 32, and again
		socket, _, err := websocket.DefaultDialer.Dial(url, nil)
		go read(socket, err)
		for ; err == nil; err = socket.WriteJSON(<-outbox) {
		}
		println("no connection:", err.Error())
		time.Sleep(time.Duration(seconds) * time.Second)
	}
}

/** A robot for contract 1.0 with the JDK alone: java Robot.java ws://127.0.0.1:8000 robot-1 */
import java.net.http.*;
import java.util.concurrent.*;
import java.util.regex.*;
public class Robot implements WebSocket.Listener {
    static final BlockingQueue<String> outbox = new LinkedBlockingQueue<>(); // keeps messages while there is no connection
    static final ConcurrentHashMap<String, Thread> jobs = new ConcurrentHashMap<>();
    final StringBuilder text = new StringBuilder();
    static volatile int delaySeconds = 1;
    static String robotId;
    static void send(String type, String payload) {
        payload += ",'robot_id':'" + robotId + "','timestamp':'" + java.time.Instant.now() + "'";
        outbox.add(("{'type':'" + type + "','payload':{" + payload + "}}").replace('\'', '"'));
    }
    static void heartbeat() {
        send("heartbeat", "'status':'" + (jobs.isEmpty() ? "idle" : "busy") + "','cpu_percent':0,'memory_mb':0");
    }
    static void report(String job, String status, int progress) {
        send("job_status", "'job_id':'" + job + "','status':'" + status + "','progress':" + progress);
    }
    static void work(String job, int steps, double seconds) {
        try {
            for (int step = 0; step < steps; Thread.sleep(Math.round(1000 * seconds)), step++) {
                report(job, "running", 100 * step / steps);
                send("log", "'job_id':'" + job + "','level':'INFO','message':'step " + (step + 1) + " of " + steps + "'");
            }
            report(job, "completed", 100);
        } catch (InterruptedException cancel) { report(job, "failed", 100); }
        jobs.remove(job);
        heartbeat();
    }
    static String field(String json, String name, String absent) { // enough JSON for the fields that this robot reads
        Matcher found = Pattern.compile("\"" + name + "\"\\s*:\\s*\"?([^\",}]*)").matcher(json);
        return found.find() ? found.group(1) : absent;
    }
    public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
        String json = text.append(part).toString(), type = field(json, "type", ""), job = field(json, "job_id", "");
        if (last) { text.setLength(0); delaySeconds = type.equals("connected") ? 1 : delaySeconds; }
        if (last && type.equals("error")) System.err.println("refused: " + json);
        if (last && type.equals("job_cancel") && jobs.containsKey(job)) jobs.get(job).interrupt();
        if (last && type.equals("job_assign") && !jobs.containsKey(job)) {
            int steps = Integer.parseInt(field(json, "steps", "3"));
            double seconds = Double.parseDouble(field(json, "seconds", "1"));
            report(job, "claimed", 0);
            jobs.put(job, new Thread(() -> work(job, steps, seconds)));
            jobs.get(job).start();
        }
        return WebSocket.Listener.super.onText(socket, part, last);
    }
    public static void main(String[] arguments) throws InterruptedException {
        robotId = arguments[1];
        var url = java.net.URI.create(arguments[0] + "/ws/robot/" + robotId + "?api_key=" + System.getenv("CASARE_API_KEY"));
        Executors.newScheduledThreadPool(1).scheduleAtFixedRate(Robot::heartbeat, 0, 30, TimeUnit.SECONDS);
        for (; ; Thread.sleep(1000L * delaySeconds), delaySeconds = Math.min(60, 2 * delaySeconds)) try {
            WebSocket socket = HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(url, new Robot()).join();
            for (String message; !socket.isInputClosed(); )
                if ((message = outbox.poll(100, TimeUnit.MILLISECONDS)) != null) socket.sendText(message, true).join();
        } catch (CompletionException error) { System.err.println(error.getCause()); }
    }
}

# A robot for contract 1.0 with Mojolicious: perl robot.pl ws://127.0.0.1:8000 robot-1
use v5.36;
use Mojo::IOLoop;
use Mojo::JSON qw(encode_json decode_json);
use Mojo::Date;
use Mojo::UserAgent;

my ($address, $robot_id) = @ARGV;
my @outbox;              # keeps messages while there is no connection
my %timers;              # the timer of each running job
my $delay_seconds = 1;
my $agent = Mojo::UserAgent->new(inactivity_timeout => 0);
my $socket;

sub send_message ($type, %payload) {
    $payload{timestamp} = Mojo::Date->new(time)->to_datetime;
    push @outbox, encode_json { type => $type, payload => \%payload };
    flush();
}
sub flush { $socket->send(shift @outbox) while @outbox && $socket && !$socket->is_finished }
sub heartbeat {
    my $status = %timers ? 'busy' : 'idle';
    send_message('heartbeat', robot_id => $robot_id, status => $status, cpu_percent => 0, memory_mb => 0);
}
sub work ($job_id, $steps, $seconds, $step = 0) {
    return finish($job_id, 'completed') if $step == $steps;
    send_message('job_status', job_id => $job_id, status => 'running', progress => int(100 * $step / $steps));
    my $message = 'step ' . ($step + 1) . " of $steps";
    send_message('log', robot_id => $robot_id, level => 'INFO', message => $message, job_id => $job_id);
    $timers{$job_id} = Mojo::IOLoop->timer($seconds => sub { work($job_id, $steps, $seconds, $step + 1) });
}
sub finish ($job_id, $status) {
    Mojo::IOLoop->remove(delete $timers{$job_id});
    send_message('job_status', job_id => $job_id, status => $status, progress => 100);
    heartbeat();
}
sub receive ($type, $payload) {
    my $job_id = $payload->{job_id};
    $delay_seconds = 1 if $type eq 'connected';
    warn "refused: $payload->{code} $payload->{message}\n" if $type eq 'error';
    finish($job_id, 'failed') if $type eq 'job_cancel' && $timers{$job_id};
    return if $type ne 'job_assign' || $timers{$job_id};
    send_message('job_status', job_id => $job_id, status => 'claimed', progress => 0);
    work($job_id, $payload->{parameters}{steps} // 3, $payload->{parameters}{seconds} // 1);
    heartbeat();
}
sub dial {
    $agent->websocket("$address/ws/robot/$robot_id?api_key=$ENV{CASARE_API_KEY}" => sub ($ua, $tx) {
        ($socket = $tx->is_websocket ? $tx : undef) ? heartbeat() : warn $tx->error->{message}, "\n";
        my $retry = sub { Mojo::IOLoop->timer($delay_seconds => \&dial); $delay_seconds *= 2 if $delay_seconds < 60 };
        return $retry->() if !$socket;
        $tx->on(json => sub ($tx, $message) { receive($message->@{qw(type payload)}) });
        $tx->on(finish => $retry);
    });
}
Mojo::IOLoop->recurring(30 => \&heartbeat);
dial();
Mojo::IOLoop->start;

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lanyard.Cli.Tests;

/// <summary>The command line does not send a service's token to another program that listens on the service's port.</summary>
public sealed class ImpostorTests
{
    private const string Token = "abcdefghijklmnopqrstuvwx";

    // Listens on the port, and accepts or does not; says all that it is sent.
    private const string Program = """
        use IO::Socket::INET; use IO::Select; $| = 1;
        my ($address, $accepts) = @ARGV;
        my $listener = IO::Socket::INET->new(Listen => 8, LocalAddr => $address, LocalPort => 0, Proto => "tcp", ReuseAddr => 1) or die "no port: $!";
        print "port ", $listener->sockport, "\n";
        my $all = IO::Select->new($listener, \*STDIN);
        while (1) {
            for my $ready ($all->can_read) {
                if ($ready == $listener) { next unless $accepts; my $client = $listener->accept; $all->add($client); close $listener, $all->remove($listener) if $accepts > 1; next }
                my $read = sysread($ready, my $bytes, 4096);
                if ($ready == \*STDIN) { $all->remove($ready); if (!$accepts) { my $late = $listener->accept; $all->remove($listener); $all->add($late) if $late } next }
                if (!$read) { $all->remove($ready); print "end\n"; next }
                print "got $bytes\n";
                print $ready "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}";
            }
        }
        """;

    [Theory]
    [InlineData("127.0.0.1", 1)]
    [InlineData("0.0.0.0", 1)]
    [InlineData("127.0.0.1", 2)]
    [InlineData("127.0.0.1", 0)]
    public async Task Another_user_who_listens_on_the_port_that_a_service_left_does_not_get_the_token(string address, int accepts)
    {
        RequireTwoUsers();
        using var home = new TestFolder();
        using var impostor = Start(["--reuid", "65534", "--clear-groups", "perl", "-e", Program, address, $"{accepts}"]);
        var port = (await impostor.StandardOutput.ReadLineAsync(CommandProcess.Guard))![5..];
        Write(home, port);
        foreach (var command in new[] { "info", "networks", "status" })
        {
            var (exitCode, output, error) = await CommandProcess.RunAsync([], [command, "--home", home.PathOf()]);
            Assert.Equal(ExitCode.Unreachable, exitCode);
            Assert.Empty(output);
            Assert.Contains(accepts > 1 && command != "info" ? "refused" : "user 65534", error, StringComparison.Ordinal);
            Assert.DoesNotContain(Token, error, StringComparison.Ordinal);
        }

        // Whoever was let wait takes all that was sent meanwhile.
        impostor.StandardInput.WriteLine();
        await impostor.StandardInput.FlushAsync(CommandProcess.Guard);
        Assert.Equal("end", await impostor.StandardOutput.ReadLineAsync(CommandProcess.Guard));
        impostor.Kill();
        Assert.DoesNotContain(Token, await impostor.StandardOutput.ReadToEndAsync(CommandProcess.Guard), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_of_the_folders_owner_or_of_this_user_gets_the_token()
    {
        RequireTwoUsers();
        using var home = new TestFolder();
        using var service = Start(["--reuid", "65534", "--clear-groups", "perl", "-e", Program, "127.0.0.1", "1"]);
        Write(home, (await service.StandardOutput.ReadLineAsync(CommandProcess.Guard))![5..]);
        // As an existing node's that runs as a user of its own: its folder or its token is that user's.
        using (var own = Process.Start("chown", ["65534", home.PathOf("authtoken.secret")]))
            await own.WaitForExitAsync(CommandProcess.Guard);
        Assert.Equal(ExitCode.Ok, (await CommandProcess.RunAsync([], ["info", "--home", home.PathOf()])).ExitCode);
        Assert.Contains("GET /status", await service.StandardOutput.ReadLineAsync(CommandProcess.Guard), StringComparison.Ordinal);
        service.Kill();
        Assert.Contains(Token, await service.StandardOutput.ReadToEndAsync(CommandProcess.Guard), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_does_not_send_the_token_on()
    {
        using var home = new TestFolder();
        using var elsewhere = new TcpListener(IPAddress.Loopback, 0);
        elsewhere.Start();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Write(home, ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture));
        var running = CommandProcess.RunAsync([], ["info", "--home", home.PathOf()]);
        using (var client = await listener.AcceptTcpClientAsync(CommandProcess.Guard))
        {
            var stream = client.GetStream();
            await stream.ReadAtLeastAsync(new byte[4_096], 1, cancellationToken: CommandProcess.Guard);
            await stream.WriteAsync(
                Encoding.ASCII.GetBytes($"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{((IPEndPoint)elsewhere.LocalEndpoint).Port}/status\r\nContent-Length: 0\r\n\r\n"), CommandProcess.Guard);
            Assert.Equal(ExitCode.Failed, (await running).ExitCode);
        }

        Assert.False(elsewhere.Pending());
    }

    private static void Write(TestFolder home, string port)
    {
        File.WriteAllText(home.PathOf("zerotier-one.port"), port);
        File.WriteAllText(home.PathOf("authtoken.secret"), Token);
    }

    private static void RequireTwoUsers() => Assert.SkipUnless(
        OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && File.Exists("/usr/bin/setpriv") && File.Exists("/usr/bin/perl"), "It takes the superuser, setpriv and perl to be two users.");

    private static Process Start(string[] args) => Process.Start(new ProcessStartInfo("setpriv", args) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
}

using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;

namespace Lanyard.Intercept.Tests;

/// <summary>The end of programs and services, and the permissions of users.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class LifeTests(ProgramLan lan) : IClassFixture<ProgramLan>
{
    [Fact]
    public async Task One_program_reaches_the_systems_network_and_the_LAN_unless_it_is_isolated()
    {
        lan.Require("python3", "curl");
        if (FindHostAddress() is not { } own)
        {
            Assert.Skip("This machine has no address but loopback ones.");
            return;
        }

        using var host = new TcpListener(own, 0);
        host.Start();
        var serving = ServeAsync(host);
        var here = $"http://{host.LocalEndpoint}/";
        await using var server = await lan.ServeAsync(8100, "python3", "-m", "http.server", "8100", "--directory", lan.Home("b"));
        var there = $"http://{lan.Address("b")}:8100/identity.public";
        var (code, output) = await lan.RunAsync("a", "curl", "-sS", here, there);
        Assert.True(code == 0, output);
        Assert.StartsWith("of the host\n", output, StringComparison.Ordinal);
        Assert.EndsWith(File.ReadAllText(Path.Combine(lan.Home("b"), "identity.public")), output, StringComparison.Ordinal);

        await using var isolated = lan.StartWith("a", ["--isolate"], "curl", "-sv", here);
        Assert.NotEqual(0, await isolated.WaitAsync());
        Assert.Contains("Network is unreachable", isolated.Output, StringComparison.Ordinal);
        await using var allowed = lan.StartWith("a", ["--isolate"], "curl", "-sS", there);
        Assert.True(await allowed.WaitAsync() == 0, allowed.Output);
        host.Stop();
        await serving;
    }

    [Theory]
    [InlineData("virtual", false)]
    [InlineData("host", true)]
    [InlineData("both", true)]
    public async Task A_port_listens_on_the_requested_address(string listen, bool isOnHost)
    {
        lan.Require("python3");
        const string Script = """
            import socket
            s = socket.create_server(("0.0.0.0", 0))
            print(s.getsockname()[1], flush=True)
            while True:
                s.accept()[0].close()
            """;
        await using var server = lan.StartWith("b", ["--listen", listen], "python3", "-c", Script);
        await ProgramLan.UntilAsync(() => server.Output.EndsWith('\n'), () => server.Output);
        var port = int.Parse(server.Output);
        using var client = new TcpClient();
        if (isOnHost)
            await client.ConnectAsync(IPAddress.Loopback, port, ProgramProcess.Guard);
        else
            await Assert.ThrowsAsync<SocketException>(async () => await client.ConnectAsync(IPAddress.Loopback, port, ProgramProcess.Guard));
        var (code, _) = await lan.RunAsync("a", "python3", "-c", $"import socket; socket.create_connection(('{lan.Address("b")}', {port}), 20)");
        Assert.Equal(listen != "host", code == 0);
    }

    [Theory]
    [InlineData("preload")]
    [InlineData("supervise")]
    public async Task A_socket_that_is_bound_long_before_it_listens_listens_on_the_LAN(string engine)
    {
        lan.Require("python3");
        // The service looks once a second what is still there.
        const string Script = """
            import socket, time
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("0.0.0.0", 8105))
            time.sleep(2.5)
            s.listen()
            print("listens", flush=True)
            while True:
                s.accept()[0].close()
            """;
        await using var server = lan.StartWith("b", ["--engine", engine], "python3", "-c", Script);
        await ProgramLan.UntilAsync(() => server.Output.Contains("listens", StringComparison.Ordinal), () => server.Output);
        var (code, output) = await lan.RunAsync("a", "python3", "-c", $"import socket; socket.create_connection(('{lan.Address("b")}', 8105), 20)");
        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task Another_program_of_the_machine_does_not_get_in_where_a_program_listens_on_the_LAN()
    {
        lan.Require("python3");
        await using var server = await lan.ServeAsync(8101, "python3", "-m", "http.server", "8101");
        var near = server.FindSocket("tcp");
        using var stranger = new TcpClient();
        await stranger.ConnectAsync(near, ProgramProcess.Guard);
        await stranger.GetStream().WriteAsync("GET / HTTP/1.0\r\n\r\n"u8.ToArray(), ProgramProcess.Guard);
        var buffer = new byte[1];
        Assert.Equal(0, await ReadAsync(stranger, buffer));
        var (code, output) = await lan.RunAsync("a", "python3", "-c", $"import socket; socket.create_connection(('{lan.Address("b")}', 8101), 20)");
        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task Another_user_cannot_use_the_service()
    {
        lan.Require("python3");
        Assert.SkipUnless(Environment.IsPrivilegedProcess && Unprivileged.IsSo, "It takes the superuser to be two users.");
        // The folder is open, the socket is not.
        File.SetUnixFileMode(lan.Home(""), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
        File.SetUnixFileMode(lan.Home("a"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
        const string Script = """
            import socket
            try:
                socket.create_connection(("10.77.0.2", 80), 5)
            except OSError as e:
                print(type(e).__name__)
            """;
        await using var other = ProgramProcess.StartPlain(
            "/", "setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "env", $"LD_PRELOAD={Path.Combine(AppContext.BaseDirectory, "liblanyard-intercept.so")}",
            $"LANYARD_INTERCEPT={lan.Home("a")}/intercept.sock", ProgramProcess.Find("python3")!, "-c", Script);
        await other.WaitAsync();
        Assert.EndsWith("PermissionError\n", other.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_is_killed_takes_its_sockets_with_it()
    {
        lan.Require("python3");
        var before = lan.CountDescriptors("b");
        const string Script = """
            import socket
            listeners = [socket.create_server(("0.0.0.0", 20000 + i)) for i in range(200)]
            clients = [socket.create_connection(("ADDRESS", 20000 + i % 200)) for i in range(400)]
            accepted = [listeners[i % 200].accept() for i in range(400)]
            print("ready", flush=True)
            accepted[0][0].recv(1)
            """;
        var program = lan.Start("b", "python3", "-c", Script.Replace("ADDRESS", lan.Address("b"), StringComparison.Ordinal));
        await ProgramLan.UntilAsync(() => program.Output.Contains("ready", StringComparison.Ordinal) || program.HasExited, () => program.Output);
        Assert.Contains("ready", program.Output, StringComparison.Ordinal);
        Assert.True(lan.CountDescriptors("b") > before + 700, $"{lan.CountDescriptors("b")} of {before}");
        await program.SignalAsync("KILL");
        await program.WaitAsync();
        await ProgramLan.UntilAsync(() => lan.CountDescriptors("b") <= before + 20, () => $"{lan.CountDescriptors("b")} of {before}");
        await using var again = await lan.ServeAsync(20_007, "python3", "-m", "http.server", "20007");
    }

    [Fact]
    public async Task A_service_that_is_killed_gives_errors_and_once_it_is_back_new_sockets_work()
    {
        lan.Require("python3");
        const string Endless = """
            import socket
            s = socket.create_server(("0.0.0.0", 8102))
            while True:
                c = s.accept()[0]
                try:
                    while True:
                        c.sendall(bytes(65536))
                except OSError as e:
                    print("sender", type(e).__name__, flush=True)
            """;
        const string Reader = """
            import socket
            s = socket.create_connection(("ADDRESS", 8102))
            s.recv(1)
            print("reading", flush=True)
            try:
                while s.recv(65536):
                    pass
                print("end", flush=True)
            except OSError as e:
                print("reader", type(e).__name__, flush=True)
            try:
                socket.create_connection(("ADDRESS", 8102), 10)
            except OSError as e:
                print("later", e.strerror, flush=True)
            """;
        await using var server = await lan.ServeAsync(8102, "python3", "-c", Endless);
        await using var reader = lan.Start("a", "python3", "-c", Reader.Replace("ADDRESS", lan.Address("b"), StringComparison.Ordinal));
        await ProgramLan.UntilAsync(() => reader.Output.Contains("reading", StringComparison.Ordinal), () => reader.Output);
        await lan.Service("a").SignalAsync("KILL");
        await reader.WaitAsync();
        Assert.Contains("reader ConnectionResetError", reader.Output, StringComparison.Ordinal);
        Assert.Contains("later Network is down", reader.Output, StringComparison.Ordinal);

        await lan.Service("b").SignalAsync("KILL");
        await lan.Service("b").WaitAsync();
        await lan.StartServiceAsync("a", "--port", "0");
        await lan.StartServiceAsync("b", "--port", "0");
        await lan.JoinAsync("a");
        await lan.JoinAsync("b");
        await using var fresh = await lan.ServeAsync(8103, "python3", "-m", "http.server", "8103");
        // A server that was there before is still there.
        var again = $"import socket; print(len(socket.create_connection(('{lan.Address("b")}', 8102), 20).recv(1)))";
        Assert.Equal((0, "1\n"), await lan.RunAsync("a", "python3", "-c", again));
        Assert.False(server.HasExited, server.Output);
    }

    [Theory]
    [InlineData("preload")]
    [InlineData("supervise")]
    public async Task A_program_that_was_run_leaves_no_files_of_the_runtime_behind(string engine)
    {
        lan.Require("python3");
        await using var program = lan.StartWith("a", ["--engine", engine], "python3", "-c", "import os; print(os.getpid(), open('/proc/self/stat').read().split(')')[-1].split()[19], sep='-')");
        Assert.True(await program.WaitAsync() == 0, program.Output);
        // Process and time of its start are in their names.
        Assert.Empty(Directory.GetFiles(Path.GetTempPath(), $"dotnet-diagnostic-{program.Output.Trim()}-*"));
        Assert.Empty(Directory.GetFiles(Path.GetTempPath(), $"clr-debug-pipe-{program.Output.Trim()}-*"));
    }

    private static async Task<int> ReadAsync(TcpClient client, byte[] buffer)
    {
        try
        {
            return await client.GetStream().ReadAsync(buffer, ProgramProcess.Guard);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static async Task ServeAsync(TcpListener host)
    {
        try
        {
            while (true)
            {
                using var client = await host.AcceptTcpClientAsync();
                var request = new byte[4096];
                await client.GetStream().ReadAtLeastAsync(request, 1, throwOnEndOfStream: false);
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.0 200 OK\r\nContent-Length: 12\r\n\r\nof the host\n"));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    internal static IPAddress? FindHostAddress() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(one => one.OperationalStatus == OperationalStatus.Up && one.NetworkInterfaceType != NetworkInterfaceType.Loopback)
        .SelectMany(one => one.GetIPProperties().UnicastAddresses).Select(one => one.Address)
        .FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork);
}

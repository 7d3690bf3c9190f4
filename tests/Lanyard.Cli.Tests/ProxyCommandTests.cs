using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Lanyard.Wire.Tests;

namespace Lanyard.Cli.Tests;

/// <summary>The verbs that connect other programs to the LAN, each as a process, with typical programs.</summary>
public sealed class ProxyCommandTests(CommandLan lan) : IClassFixture<CommandLan>
{
    private readonly string[] _client = ["--home", lan.Home("client"), "--network", lan.PublicNetwork];
    private readonly string[] _server = ["--home", lan.Home("server"), "--network", lan.PublicNetwork];

    [Fact]
    public async Task Curl_reaches_a_web_server_behind_expose_through_both_proxies()
    {
        using var web = new EchoWebServer();
        using var expose = CommandProcess.Start(["expose", "80", $"127.0.0.1:{web.Port}", .. _server]);
        var address = await expose.WaitForAddressAsync();
        await expose.WaitForErrorAsync("listening on port 80");
        using (var proxy = CommandProcess.Start(["proxy", "--socks", "0", "--http", "0", .. _client]))
        {
            var socks = await proxy.WaitForErrorAsync("SOCKS5 proxy listening on ");
            var http = await proxy.WaitForErrorAsync("HTTP proxy listening on ");
            Assert.StartsWith("GET /a HTTP/1.1", await CurlAsync("--socks5-hostname", socks, $"http://{address}/a"), StringComparison.Ordinal);
            Assert.StartsWith("GET /b HTTP/1.1", await CurlAsync("-x", $"http://{http}", $"http://{address}/b"), StringComparison.Ordinal);
            Assert.Contains("this proxy refuses other destinations", await CurlAsync("-x", $"http://{http}", $"http://127.0.0.1:{web.Port}/"), StringComparison.Ordinal);
            Assert.Equal(ExitCode.Ok, await proxy.TerminateAsync());
        }

        // On the networks that the folder remembers, and out through the host.
        using var remembering = CommandProcess.Start("proxy", "--listen", "127.0.0.1:0", "--outside", "--home", lan.Home("client"));
        var both = await remembering.WaitForErrorAsync("SOCKS5 and HTTP proxy listening on ");
        Assert.StartsWith("GET /c ", await CurlAsync("-x", $"http://{both}", $"http://127.0.0.1:{web.Port}/c"), StringComparison.Ordinal);
        Assert.Equal(ExitCode.Ok, await remembering.TerminateAsync());
        Assert.Equal(ExitCode.Ok, await expose.TerminateAsync());
    }

    [Fact]
    public async Task Ports_are_forwarded_in_both_directions_several_at_once()
    {
        using var web = new EchoWebServer();
        using var echo = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        echo.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var echoPort = ((IPEndPoint)echo.LocalEndPoint!).Port;
        using var remote = CommandProcess.Start(["forward", "-R", $"80:localhost:{web.Port}", "-R", $"7:127.0.0.1:{echoPort}/udp", .. _server]);
        var address = await remote.WaitForAddressAsync();
        await remote.WaitForErrorAsync("forward -R 7:");
        using var local = CommandProcess.Start(["forward", "-L", $"0:{address}:80", "-L", $"0:{address}:7/udp", .. _client]);
        var webAt = (await local.WaitForErrorAsync($"forward -L 0:{address}:80 listening on "));
        var echoAt = (await local.WaitForErrorAsync($"forward -L 0:{address}:7/udp listening on "));
        Assert.StartsWith("GET /x ", await CurlAsync($"http://{webAt}/x"), StringComparison.Ordinal);

        using var client = new UdpClient();
        await client.SendAsync("datagram"u8.ToArray(), IPEndPoint.Parse(echoAt), CommandProcess.Guard);
        var buffer = new byte[64];
        var received = await echo.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), CommandProcess.Guard);
        await echo.SendToAsync(buffer.AsMemory(0, received.ReceivedBytes), received.RemoteEndPoint, CommandProcess.Guard);
        Assert.Equal("datagram"u8.ToArray(), (await client.ReceiveAsync(CommandProcess.Guard)).Buffer);
        Assert.Equal(ExitCode.Ok, await local.TerminateAsync());
        Assert.Equal(ExitCode.Ok, await remote.TerminateAsync());
    }

    [Fact]
    public async Task Standard_output_ends_when_the_peer_has_finished_while_input_goes_on()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("Only where the system tells of a process's descriptors can it close all of one thing.");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var expose = CommandProcess.Start(["expose", "80", $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}", .. _server]);
        var address = await expose.WaitForAddressAsync();
        await expose.WaitForErrorAsync("listening on port 80");
        using var process = Process.Start(new ProcessStartInfo("dotnet", [CommandPath, "ssh-proxy", address, "80", .. _client])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        using var accepted = await listener.AcceptSocketAsync(CommandProcess.Guard);
        await using var stream = new NetworkStream(accepted);
        await stream.WriteAsync("hello"u8.ToArray(), CommandProcess.Guard);
        accepted.Shutdown(SocketShutdown.Send);
        Assert.Equal("hello", await process.StandardOutput.ReadToEndAsync(CommandProcess.Guard));
        await process.StandardInput.BaseStream.WriteAsync("late"u8.ToArray(), CommandProcess.Guard);
        process.StandardInput.Close();
        var received = new MemoryStream();
        await stream.CopyToAsync(received, CommandProcess.Guard);
        Assert.Equal("late"u8.ToArray(), received.ToArray());
        await process.WaitForExitAsync(CommandProcess.Guard);
        Assert.Equal(ExitCode.Ok, process.ExitCode);
        Assert.Equal(ExitCode.Ok, await expose.TerminateAsync());
    }

    [Fact]
    public async Task Ssh_runs_a_command_over_the_LAN()
    {
        var sshd = File.Exists("/usr/sbin/sshd") ? "/usr/sbin/sshd" : null;
        if (sshd is null || !File.Exists("/usr/bin/ssh"))
            Assert.Skip("This machine has no ssh and sshd (Debian: openssh-client, openssh-server).");
        if (!Environment.IsPrivilegedProcess)
            Assert.Skip("sshd lets others in than its own user only as root.");
        using var folder = new TestFolder();
        await RunAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder.PathOf("host"));
        await RunAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder.PathOf("user"));
        // Where sshd separates its privileges.
        Directory.CreateDirectory("/run/sshd");
        var port = FreePort.Find();
        await File.WriteAllTextAsync(folder.PathOf("sshd_config"), $"""
            ListenAddress 127.0.0.1
            Port {port}
            HostKey {folder.PathOf("host")}
            AuthorizedKeysFile {folder.PathOf("user.pub")}
            PidFile none
            StrictModes no
            UsePAM no
            PermitRootLogin prohibit-password
            """, CommandProcess.Guard);
        using var server = Process.Start(new ProcessStartInfo(sshd, ["-D", "-e", "-f", folder.PathOf("sshd_config")]) { RedirectStandardError = true })!;
        try
        {
            while (await server.StandardError.ReadLineAsync(CommandProcess.Guard) is { } line && !line.Contains("Server listening", StringComparison.Ordinal))
            {
            }

            using var expose = CommandProcess.Start(["expose", "22", $"127.0.0.1:{port}", .. _server]);
            var address = await expose.WaitForAddressAsync();
            await expose.WaitForErrorAsync("listening on port 22");
            var sent = TestData.RandomBytes(4, 1_000_000);
            using var ssh = Process.Start(new ProcessStartInfo("/usr/bin/ssh",
            [
                "-F", "none", "-i", folder.PathOf("user"), "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", $"UserKnownHostsFile={folder.PathOf("known")}",
                "-o", $"ProxyCommand=dotnet '{CommandPath}' ssh-proxy %h %p {string.Join(' ', _client)}", $"root@{address}", "cat; echo done >&2",
            ])
            { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
            var error = ssh.StandardError.ReadToEndAsync(CommandProcess.Guard);
            var output = new MemoryStream();
            var reading = ssh.StandardOutput.BaseStream.CopyToAsync(output, CommandProcess.Guard);
            await ssh.StandardInput.BaseStream.WriteAsync(sent, CommandProcess.Guard);
            ssh.StandardInput.Close();
            await reading;
            await ssh.WaitForExitAsync(CommandProcess.Guard);
            Assert.True(ssh.ExitCode == 0, await error);
            Assert.EndsWith("done\n", await error, StringComparison.Ordinal);
            Assert.Equal(sent, output.ToArray());
            Assert.Equal(ExitCode.Ok, await expose.TerminateAsync());
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync(CommandProcess.Guard);
        }
    }

    [Fact]
    public void An_invalid_forward_or_endpoint_is_reported_before_the_start()
    {
        string[] rest = ["--home", "x", "--network", "8056c2e21c000001"];
        var forward = CommandRun.Of(["forward", "-L", "80:host", .. rest]);
        Assert.Equal(ExitCode.Usage, forward.ExitCode);
        Assert.Contains("'80:host' is not [ADDRESS:]PORT:HOST:HOSTPORT", forward.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, CommandRun.Of(["forward", .. rest]).ExitCode);
        var proxy = CommandRun.Of(["proxy", "--socks", "host:1080", .. rest]);
        Assert.Equal(ExitCode.Usage, proxy.ExitCode);
        Assert.Contains("'host:1080' is not a port", proxy.Error, StringComparison.Ordinal);
        Assert.Contains("LANYARD_PROXY_PASSWORD", CommandRun.Of(["proxy", "--user", "joe", .. rest]).Error, StringComparison.Ordinal);
    }

    private static string CommandPath => Path.Combine(AppContext.BaseDirectory, "Lanyard.Cli.dll");

    private static async Task<string> CurlAsync(params string[] args)
    {
        try
        {
            return await RunAsync("curl", ["--silent", "--show-error", "--max-time", "60", "--noproxy", "", .. args]);
        }
        catch (Win32Exception)
        {
            Assert.Skip("This machine has no curl.");
            return "";
        }
    }

    private static async Task<string> RunAsync(string program, params string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync(CommandProcess.Guard);
        var output = await process.StandardOutput.ReadToEndAsync(CommandProcess.Guard);
        await process.WaitForExitAsync(CommandProcess.Guard);
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', args)}: {process.ExitCode} {await error}");
        return output;
    }
}

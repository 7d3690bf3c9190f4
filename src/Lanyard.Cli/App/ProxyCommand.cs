using System.CommandLine;
using Lanyard.Primitives;
using Lanyard.Proxies;

namespace Lanyard.Cli.App;

/// <summary><c>lanyard proxy</c>: runs SOCKS5 and HTTP proxies onto the LAN.</summary>
internal static class ProxyCommand
{
    private const string PasswordVariable = "LANYARD_PROXY_PASSWORD";
    private const ushort DefaultPort = 1080;

    public static Command Create()
    {
        var both = Parse.ListenOption("--listen", "Endpoint of a proxy for SOCKS5 and HTTP on one port (default: 127.0.0.1:1080, unless --socks or --http is given).");
        var socks = Parse.ListenOption("--socks", "Endpoint of a SOCKS5 proxy.");
        var http = Parse.ListenOption("--http", "Endpoint of an HTTP proxy.");
        var outside = new Option<bool>("--outside")
        {
            Description = "Connect to destinations outside the virtual networks through this host's network (default: refuse them).",
        };
        var user = new Option<string?>("--user")
        {
            Description = $"User that clients must authenticate as, with the password in the environment variable {PasswordVariable}.",
            HelpName = "NAME",
        };
        var options = new AppOptions(networkRequired: false);
        var command = new CliCommand(
            "proxy", "Run a SOCKS5 and HTTP proxy onto the LAN",
            "Names are resolved on the LAN. " + CliCommand.Serves,
            "lanyard proxy --home a --network 8056c2e21c000001\ncurl -x socks5h://127.0.0.1:1080 http://10.1.0.2/")
        {
            both,
            socks,
            http,
            outside,
            user,
        };
        options.AddTo(command);
        command.SetAction(async (result, cancellation) =>
        {
            var error = result.InvocationConfiguration.Error;
            var shared = new LanyardProxyOptions
            {
                Outside = result.GetValue(outside) ? LanyardOutsidePolicy.Host : LanyardOutsidePolicy.Refuse,
                UserName = result.GetValue(user),
                Password = result.GetValue(user) is null ? null : ReadPassword(),
            };
            var wanted = new List<LanyardProxyOptions>();
            Want(LanyardProxyProtocols.Socks, result.GetValue(socks));
            Want(LanyardProxyProtocols.Http, result.GetValue(http));
            Want(LanyardProxyProtocols.All, result.GetValue(both) ?? (wanted.Count > 0 ? null : new InetEndpoint(InetAddress.Parse("127.0.0.1"), DefaultPort)));
            if (!options.NamesNetwork(result))
            {
                await using var node = await options.StartNodeAsync(result, cancellation);
                return await RunAsync(wanted, node.StartProxy, error, cancellation);
            }

            await using var app = await options.StartAsync(result, cancellation);
            return await RunAsync(wanted, app.Network.StartProxy, error, cancellation);

            void Want(LanyardProxyProtocols protocols, InetEndpoint? endpoint)
            {
                if (endpoint is { } local)
                    wanted.Add(shared with { Protocols = protocols, LocalEndPoint = local.ToIPEndPoint() });
            }
        });
        return command;
    }

    private static async Task<int> RunAsync(List<LanyardProxyOptions> wanted, Func<LanyardProxyOptions, LanyardProxy> start, TextWriter error, CancellationToken cancellation)
    {
        var proxies = new List<LanyardProxy>();
        try
        {
            foreach (var options in wanted)
            {
                proxies.Add(start(options));
                error.WriteLine($"{Describe(options.Protocols)} proxy listening on {proxies[^1].LocalEndPoint}");
            }

            await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return ExitCode.Ok;
        }
        finally
        {
            foreach (var proxy in proxies)
                await proxy.DisposeAsync();
        }
    }

    private static string Describe(LanyardProxyProtocols protocols) => protocols switch
    {
        LanyardProxyProtocols.Socks => "SOCKS5",
        LanyardProxyProtocols.Http => "HTTP",
        _ => "SOCKS5 and HTTP",
    };

    private static string ReadPassword() => Environment.GetEnvironmentVariable(PasswordVariable) is { Length: > 0 } password
        ? password
        : throw new CommandException(ExitCode.Usage, $"--user needs a password in the environment variable {PasswordVariable}. Other users of this machine can read command lines.");
}

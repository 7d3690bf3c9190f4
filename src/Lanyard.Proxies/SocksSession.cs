using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>Serves a SOCKS5 client: its greeting, its user and password, and its request.</summary>
internal sealed class SocksSession(ProxyContext proxy, ServedConnection connection, BufferedEnd client)
{
    /// <summary>Serves the client until it has finished.</summary>
    public async Task RunAsync()
    {
        if (!await AgreeOnMethodAsync().ConfigureAwait(false))
            return;
        SocksCommand command;
        ProxyDestination? destination;
        int length;
        ParseStep step;
        while ((step = SocksFormat.TryParseRequest(client.Buffered, out command, out destination, out length)) == ParseStep.NeedMore)
        {
            if (!await client.FillAsync().ConfigureAwait(false))
                return;
        }

        if (step == ParseStep.Malformed)
        {
            connection.Cut(LanyardProxyCounter.Malformed);
            return;
        }

        client.Consume(length);
        if (destination is not { } wanted)
        {
            await RefuseAsync(SocksReply.AddressTypeNotSupported).ConfigureAwait(false);
            return;
        }

        try
        {
            await (command switch
            {
                SocksCommand.Connect => ConnectAsync(wanted),
                SocksCommand.Bind => BindAsync(wanted),
                SocksCommand.UdpAssociate => new SocksAssociation(proxy, connection, client, wanted.Port).RunAsync(),
                _ => RefuseAsync(SocksReply.CommandNotSupported),
            }).ConfigureAwait(false);
        }
        catch (ProxyException failure)
        {
            await RefuseAsync(ReplyTo(failure.Failure)).ConfigureAwait(false);
        }
    }

    /// <summary>Writes a reply.</summary>
    public static async Task ReplyAsync(StreamEnd client, SocksReply reply, InetEndpoint bound)
    {
        var bytes = new byte[SocksFormat.MaxReplyBytes];
        await client.WriteAsync(bytes.AsMemory(0, SocksFormat.WriteReply(bytes, reply, bound))).ConfigureAwait(false);
    }

    // Returns false if the client is refused; it has been sent the reply.
    private async Task<bool> AgreeOnMethodAsync()
    {
        byte method;
        int length;
        while (!TryChooseMethod(out method, out length))
        {
            if (connection.CutBecause is not null || !await client.FillAsync().ConfigureAwait(false))
                return false;
        }

        client.Consume(length);
        if (method == SocksFormat.NoMethod)
            proxy.Counters.Add(LanyardProxyCounter.NotAuthenticated);
        await client.WriteAsync(new[] { SocksFormat.Version, method }).ConfigureAwait(false);
        if (method == SocksFormat.NoMethod)
        {
            ProxyLog.Refused(proxy.Logger, connection.Client.Remote, "it offers no authentication method that this proxy accepts.");
            await ProxyContext.CloseLingeringAsync(connection, client).ConfigureAwait(false);
            return false;
        }

        return method == SocksFormat.MethodNone || await AuthenticateAsync().ConfigureAwait(false);
    }

    private bool TryChooseMethod(out byte method, out int length)
    {
        method = SocksFormat.NoMethod;
        var step = SocksFormat.TryParseGreeting(client.Buffered, out var methods, out length);
        if (step == ParseStep.Malformed)
            connection.Cut(LanyardProxyCounter.Malformed);
        if (step != ParseStep.Done)
            return false;
        // Without required credentials, accept any user and password that a client sends.
        if (proxy.Credentials is null && methods.IndexOf(SocksFormat.MethodNone) >= 0)
            method = SocksFormat.MethodNone;
        else if (methods.IndexOf(SocksFormat.MethodPassword) >= 0)
            method = SocksFormat.MethodPassword;
        return true;
    }

    private async Task<bool> AuthenticateAsync()
    {
        bool isRight;
        while (!TryAuthenticate(out isRight))
        {
            if (connection.CutBecause is not null || !await client.FillAsync().ConfigureAwait(false))
                return false;
        }

        if (!isRight)
            proxy.Counters.Add(LanyardProxyCounter.NotAuthenticated);
        await client.WriteAsync(new[] { SocksFormat.AuthenticationVersion, isRight ? (byte)0 : (byte)1 }).ConfigureAwait(false);
        if (isRight)
            return true;
        ProxyLog.Refused(proxy.Logger, connection.Client.Remote, "the user or password is wrong.");
        await ProxyContext.CloseLingeringAsync(connection, client).ConfigureAwait(false);
        return false;
    }

    private bool TryAuthenticate(out bool isRight)
    {
        isRight = false;
        var step = SocksFormat.TryParseCredentials(client.Buffered, out var user, out var password, out var length);
        if (step == ParseStep.Malformed)
            connection.Cut(LanyardProxyCounter.Malformed);
        if (step != ParseStep.Done)
            return false;
        isRight = proxy.Credentials?.Match(user, password) ?? true;
        client.Consume(length);
        return true;
    }

    private async Task ConnectAsync(ProxyDestination destination)
    {
        var other = await proxy.ConnectAsync(connection, destination).ConfigureAwait(false);
        await ReplyAsync(client, SocksReply.Succeeded, other.Local).ConfigureAwait(false);
        await proxy.RelayAsync(connection, client, other).ConfigureAwait(false);
    }

    // Waits for one connection from the destination, such as a data connection of FTP.
    private async Task BindAsync(ProxyDestination destination)
    {
        connection.SetDeadline(proxy.Options.ConnectTimeout + proxy.Options.BindTimeout, LanyardProxyCounter.Unreachable);
        var expected = InetAddress.Parse("0.0.0.0");
        LanyardNetwork? network;
        try
        {
            var isAnyone = destination.Name.Length == 0 && destination.Address.IsUnspecified;
            (network, var addresses) = isAnyone
                ? (proxy.Router.Networks.FirstOrDefault(joined => joined.IsReady), [destination.Address])
                : await proxy.Router.FindAsync(destination, connection.Token).ConfigureAwait(false);
            expected = addresses[0];
            if (network is null)
                throw new ProxyException(ProxyFailure.NotAllowed, "BIND works only on a virtual network, and no network of this node is ready.");
        }
        catch (ProxyException failure)
        {
            proxy.Note(connection, failure);
            throw;
        }

        LanyardListener listener;
        try
        {
            var own = network.Addresses.FirstOrDefault(address => address.Address.IsV4 == expected.IsV4).Address;
            listener = network.Listen(new InetEndpoint(own, 0));
        }
        catch (LanyardException failure)
        {
            throw new ProxyException(ProxyFailure.General, failure.Message, failure);
        }

        LanyardStream? accepted;
        using (listener)
        {
            await ReplyAsync(client, SocksReply.Succeeded, InetEndpoint.FromIPEndPoint(listener.LocalEndPoint)).ConfigureAwait(false);
            accepted = await AcceptAsync(listener, expected).ConfigureAwait(false);
        }

        if (accepted is null)
            return;
        var other = new NetworkStreamEnd(accepted);
        connection.Attach(other);
        proxy.Counters.Add(LanyardProxyCounter.Connected);
        await ReplyAsync(client, SocksReply.Succeeded, other.Remote).ConfigureAwait(false);
        await proxy.RelayAsync(connection, client, other).ConfigureAwait(false);
    }

    // Returns null if the client has disconnected meanwhile.
    private async Task<LanyardStream?> AcceptAsync(LanyardListener listener, InetAddress expected)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(connection.Token);
        patience.CancelAfter(proxy.Options.BindTimeout);
        // Cancels the wait if the client disconnects. If the client sends data, the wait continues, and nothing more is read: further data would need a buffer.
        var watching = client.FillAsync();
        _ = watching.ContinueWith(
            static (watched, patience) =>
            {
                if (watched.IsFaulted || !watched.Result)
                    CancelIfThere((CancellationTokenSource)patience!);
            },
            patience, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        try
        {
            while (true)
            {
                var stream = await listener.AcceptAsync(patience.Token).ConfigureAwait(false);
                if (expected.IsUnspecified || InetAddress.FromIPAddress(stream.RemoteEndPoint.Address) == expected)
                    return stream;
                stream.Abort();
                await stream.DisposeAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!connection.Token.IsCancellationRequested)
        {
            if (watching.IsCompleted && (watching.IsFaulted || !await watching.ConfigureAwait(false)))
                return null;
            throw new ProxyException(ProxyFailure.TimedOut, "The expected connection did not arrive in time.");
        }
        catch (LanyardNetworkException left)
        {
            throw new ProxyException(ProxyFailure.General, left.Message, left);
        }
    }

    private static void CancelIfThere(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The connection arrived first.
        }
    }

    private async Task RefuseAsync(SocksReply reply)
    {
        await ReplyAsync(client, reply, default).ConfigureAwait(false);
        await ProxyContext.CloseLingeringAsync(connection, client).ConfigureAwait(false);
    }

    private static SocksReply ReplyTo(ProxyFailure failure) => failure switch
    {
        ProxyFailure.NotAllowed => SocksReply.NotAllowed,
        ProxyFailure.UnknownName or ProxyFailure.HostUnreachable => SocksReply.HostUnreachable,
        ProxyFailure.NetworkUnreachable => SocksReply.NetworkUnreachable,
        ProxyFailure.Refused => SocksReply.ConnectionRefused,
        // SOCKS5 has no reply code for a timeout; other proxies use this one.
        ProxyFailure.TimedOut => SocksReply.TimeToLiveExpired,
        _ => SocksReply.GeneralFailure,
    };
}

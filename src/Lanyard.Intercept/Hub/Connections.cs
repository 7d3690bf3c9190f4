using System.Net.Sockets;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>Opens and relays the outgoing connections of programs.</summary>
/// <param name="sockets">Programs' sockets.</param>
/// <param name="addresses">The loopback alias addresses.</param>
/// <param name="networks">The virtual networks.</param>
/// <param name="probe">Checks whether a connection still belongs to the program.</param>
internal sealed class Connections(SocketTable sockets, AddressMap addresses, VirtualNetworks networks, SocketProbe probe) : IDisposable
{
    private readonly LoopbackSockets _loopback = new();

    /// <summary>
    /// Starts to connect a program's socket. The kernel and the program see a connecting socket (SYN-SENT), and the kernel handles the wait.
    /// </summary>
    public InterceptReply Connect(SocketDescriptor descriptor, InetEndpoint remote, SocketOwner owner)
    {
        if (networks.FindFor(remote.Address, owner) is not { } network)
            return InterceptReply.Host;
        if (remote.Port == 0)
            return InterceptReply.Failed(Errno.ConnectionRefused);
        // The program retries with a TCP socket.
        if (descriptor.IsMultipath)
            return InterceptReply.Failed(Errno.ProtocolNotSupported);
        var attempt = new ConnectAttempt();
        ProgramSocket? socket;
        InetAddress far;
        lock (sockets.Lock)
        {
            socket = sockets.Find(descriptor);
            // Another program may own the port that an ended service used for pending connections.
            if (descriptor.TryGetFar(out var connected) && LoopbackAliases.IsFar(connected.Address) && socket?.Attempt?.Outcome is null or 0
                && addresses.Find(descriptor, connected) is null)
                return InterceptReply.Failed(Errno.ConnectionAborted);
            var error = socket is null ? sockets.TryMake(descriptor, default, owner, SocketTraits.None, out socket) : 0;
            if (error != 0)
                return InterceptReply.Failed(error);
            if (!addresses.TryAdd(new ConnectionNames(socket!.Local, remote, attempt.Connection, socket.Near, _loopback.BlackHolePort), out far))
                return InterceptReply.Failed(Errno.NoBufferSpace);
            error = descriptor.Connect(new InetEndpoint(far, _loopback.BlackHolePort));
            if (error != Errno.InProgress)
            {
                // The kernel answers a repeated connect correctly, but does not know why the previous attempt failed.
                addresses.Remove(far);
                if (error is 0 or Errno.IsConnected)
                    ProgramSocketOptions.StartTimer(descriptor);
                return InterceptReply.Failed(error == Errno.ConnectionReset && socket.Attempt?.Outcome is > 0 and { } reason ? reason : error);
            }

            socket.Attempt = attempt;
        }

        attempt.Connection.Set(ProgramSocketOptions.Read(descriptor, isOpening: true));
        _ = CarryAsync(network, socket, attempt, remote, far);
        return InterceptReply.Failed(Errno.InProgress);
    }

    /// <summary>Handles changed options of a socket that is connected or about to connect.</summary>
    public InterceptReply ApplyOptions(SocketDescriptor descriptor)
    {
        ProgramConnection? connection;
        lock (sockets.Lock)
            connection = descriptor.TryGetFar(out var far) ? addresses.Find(descriptor, far)?.Connection : sockets.Find(descriptor)?.Attempt?.Connection;
        connection?.Set(ProgramSocketOptions.Read(descriptor, isOpening: false));
        return connection is null ? InterceptReply.Host : InterceptReply.Of(default);
    }

    /// <summary>Replies with the outcome of a socket's connection attempt.</summary>
    public InterceptReply Outcome(SocketDescriptor descriptor)
    {
        lock (sockets.Lock)
        {
            if (sockets.Find(descriptor) is { Attempt.Outcome: { } outcome and not 0 })
                return InterceptReply.Failed(outcome);
            // Connected, but not by this service: another program took the port of an ended service.
            if (!descriptor.TryGetFar(out var far) || !LoopbackAliases.IsFar(far.Address))
                return InterceptReply.Host;
            if (addresses.Find(descriptor, far) is null)
                return InterceptReply.Failed(Errno.ConnectionAborted);
            ProgramSocketOptions.StartTimer(descriptor);
            return InterceptReply.Host;
        }
    }

    public void Dispose() => _loopback.Dispose();

    private async Task CarryAsync(LanyardNetwork network, ProgramSocket socket, ConnectAttempt attempt, InetEndpoint remote, InetAddress far)
    {
        var (stream, error) = await OpenAsync(network, socket, remote, far).ConfigureAwait(false);
        if (stream is null)
        {
            lock (sockets.Lock)
                attempt.Outcome = error;
            // The program learns the reason from the outcome.
            _loopback.Refuse(far, socket.Near);
            End(socket, attempt, far, error);
            return;
        }

        if (await ReachAsync(socket, far).ConfigureAwait(false) is not { } program)
        {
            stream.Abort();
            await stream.DisposeAsync().ConfigureAwait(false);
            End(socket, attempt, far, Errno.ConnectionAborted);
            return;
        }

        lock (sockets.Lock)
            attempt.Outcome = 0;
        try
        {
            await attempt.Connection.CarryAsync(program, stream).ConfigureAwait(false);
        }
        finally
        {
            End(socket, attempt, far, 0);
        }
    }

    private async Task<(LanyardStream? Stream, int Error)> OpenAsync(LanyardNetwork network, ProgramSocket socket, InetEndpoint remote, InetAddress far)
    {
        try
        {
            var stream = await network.ConnectAsync(socket.Local, remote).ConfigureAwait(false);
            lock (sockets.Lock)
                addresses.ChangeLocal(far, InetEndpoint.FromIPEndPoint(stream.LocalEndPoint));
            return (stream, 0);
        }
        catch (Exception e) when (e is LanyardException or OperationCanceledException or ObjectDisposedException or ArgumentException)
        {
            return (null, Errno.Of(e));
        }
    }

    // Completes the program's pending connection at the black-hole port. Returns null if the program's socket is closed.
    private async Task<Socket?> ReachAsync(ProgramSocket program, InetAddress far)
    {
        Socket? socket = null;
        try
        {
            socket = _loopback.CreateWaiting(far);
            await socket.ConnectAsync(program.Near.ToIPEndPoint()).ConfigureAwait(false);
            // The program may have ended, and another program may listen on its address.
            if (probe.IsConnectionOf(program, new InetEndpoint(far, _loopback.BlackHolePort)))
                return socket;
        }
        catch (SocketException)
        {
            // The program's socket is closed.
        }

        socket?.Dispose();
        return null;
    }

    // Keeps a failed attempt, because the program may request its outcome. Removes a socket whose only connection has ended.
    private void End(ProgramSocket socket, ConnectAttempt attempt, InetAddress far, int outcome)
    {
        lock (sockets.Lock)
        {
            addresses.Remove(far);
            attempt.Outcome = outcome;
            if (outcome != 0 || socket.Attempt != attempt)
                return;
            socket.Attempt = null;
            if (socket is { Local.IsNone: true, Listener: null })
                sockets.Forget(socket);
        }
    }
}

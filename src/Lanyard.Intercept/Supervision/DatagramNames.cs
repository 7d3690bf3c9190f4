using System.Collections.Concurrent;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Supervision;

/// <summary>The route of a program's datagrams to a destination.</summary>
/// <param name="Error">0 or an errno.</param>
/// <param name="Far">The alias of the destination; none if the system sends the datagrams.</param>
/// <param name="IsHostPing">Whether the socket is a ping socket and the destination is on the system's network, which needs a ping socket of the kernel.</param>
/// <param name="Options">The datagram's IP options, empty for none; null for the socket's.</param>
internal readonly record struct DatagramRoute(int Error, InetEndpoint Far, bool IsHostPing, byte[]? Options = null)
{
    public static DatagramRoute Failed(int error) => new(error, default, false);

    /// <summary>Returns a route to the system's network, without the token that the socket's datagrams to the service carry.</summary>
    public static DatagramRoute ToSystem(SocketDescriptor socket) => new(0, default, false, SendsToken(socket) ? [] : null);

    // Whether the socket is bound or connected to a loopback alias address.
    private static bool SendsToken(SocketDescriptor socket) =>
        (socket.TryGetNear(out var near) && SocketName.IsNear(near)) || (socket.TryGetFar(out var far) && SocketName.IsFar(far));
}

/// <summary>Translates the addresses of datagrams. Caches the service's replies for a while, so that not every datagram needs a request.</summary>
internal sealed class DatagramNames(InterceptClient client, ProgramOptions supervision)
{
    private const int MaxRemembered = 4_096;
    private const long RememberMs = InterceptProtocol.RememberSeconds * 1_000;

    private readonly ConcurrentDictionary<(ulong Socket, InetEndpoint Key, InetAddress Source), (InetEndpoint Value, byte[]? Options, long At)> _knownFar = new();
    private readonly ConcurrentDictionary<(ulong Socket, InetEndpoint Key), (DatagramOrigin Value, long At)> _knownOrigins = new();

    /// <summary>Finds the alias destination of datagrams to an address.</summary>
    /// <param name="call">The program's call.</param>
    /// <param name="socket">The program's socket.</param>
    /// <param name="destination">The destination that the program named.</param>
    /// <param name="source">The source address that the program named; none for the default.</param>
    /// <param name="isConnecting">Whether the socket is about to be connected to the destination.</param>
    public async ValueTask<DatagramRoute> FindFarAsync(
        SupervisedCall call, SocketDescriptor socket, InetEndpoint destination, InetAddress source, bool isConnecting)
    {
        if (!socket.TryGetNear(out var near))
            return default;
        var key = (socket.Cookie, destination, source);
        if (near.Port != 0 && !isConnecting && _knownFar.TryGetValue(key, out var known) && Environment.TickCount64 - known.At < RememberMs)
            return new DatagramRoute(0, known.Value, false, known.Options);
        var request = client.For(InterceptOperation.Send);
        request.Virtual = InterceptEndpoint.Of(destination);
        request.Own = InterceptEndpoint.Of(new InetEndpoint(source, 0));
        request.Flags = (isConnecting ? InterceptFlags.Connected : 0) | (supervision.Listening == ListenPlace.Virtual ? InterceptFlags.Groups : 0)
            | (supervision.IsIsolated ? 0 : InterceptFlags.Shared);
        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        if (reply is { Error: 0, Verdict: InterceptVerdict.Host } && supervision.IsIsolated && !SocketName.IsLoopback(destination))
            return DatagramRoute.Failed(Errno.NetworkUnreachable);
        if (reply is { Error: 0, Verdict: InterceptVerdict.Host } && ((InterceptFlags)reply.Flags & InterceptFlags.Outside) != 0)
        {
            // The socket is only on virtual networks. A second socket of the program's user carries its datagrams to the system's network.
            using var outside = call.CreateOutside(socket);
            if (outside is null)
                return DatagramRoute.Failed(Errno.NoBufferSpace);
            request.Flags |= InterceptFlags.Outside;
            reply = await client.AskAsync(request, socket, outside, CancellationToken.None).ConfigureAwait(false);
            if (reply is { Error: 0, Verdict: InterceptVerdict.Host })
                return DatagramRoute.Failed(Errno.NetworkUnreachable);
        }

        if (reply.Error != 0)
            return DatagramRoute.Failed(reply.Error);
        if (reply.Verdict == InterceptVerdict.Host)
            return ((InterceptFlags)reply.Flags & InterceptFlags.Echo) != 0 ? new DatagramRoute(0, default, IsHostPing: true) : DatagramRoute.ToSystem(socket);
        if (!reply.First.TryRead(out var far) || !socket.TryGetNear(out near))
            return DatagramRoute.Failed(Errno.NetworkUnreachable);
        var options = SocketName.IsNear(near) ? null : SocketTokens.WriteOptions(reply.Token);
        if (_knownFar.Count >= MaxRemembered)
            _knownFar.Clear();
        _knownFar[key] = (far, options, Environment.TickCount64);
        return new DatagramRoute(0, far, false, options);
    }

    /// <summary>Returns the sender and the destination of a datagram; null if another program of this machine sent it to a virtual socket.</summary>
    public async ValueTask<DatagramOrigin?> FindOriginAsync(SocketDescriptor socket, InetEndpoint far)
    {
        if (!socket.TryGetNear(out var near))
            return new DatagramOrigin(far);
        if (!SocketName.IsFar(far))
            return SocketName.IsNear(near) ? null : new DatagramOrigin(far);
        var key = (socket.Cookie, far);
        if (_knownOrigins.TryGetValue(key, out var known) && Environment.TickCount64 - known.At < RememberMs)
            return known.Value;
        var request = client.For(InterceptOperation.Names);
        request.Far = InterceptEndpoint.Of(far);
        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        if (reply is not { Error: 0, Verdict: InterceptVerdict.Virtual } || !reply.Second.TryRead(out var sender) || !reply.First.TryRead(out var local)
            || !reply.Own.TryRead(out var own))
            return null;
        var origin = new DatagramOrigin(sender, local, own.Address, reply.Own.Scope);
        if (_knownOrigins.Count >= MaxRemembered)
            _knownOrigins.Clear();
        _knownOrigins[key] = (origin, Environment.TickCount64);
        return origin;
    }
}

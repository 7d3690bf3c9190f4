using System.Collections.Concurrent;
using Lanyard.Primitives;
using Lanyard.Service.Intercept;

namespace Lanyard.Cli.Run;

/// <summary>Where datagrams are sent to.</summary>
/// <param name="Error">An error number, or 0.</param>
/// <param name="Far">What stands for the destination; none where it is the system's business.</param>
/// <param name="IsSystemsEcho">Whether the socket pings, and the destination is the system's: it takes another socket to reach that.</param>
internal readonly record struct DatagramRoute(int Error, InetEndpoint Far, bool IsSystemsEcho)
{
    public static DatagramRoute To(InetEndpoint far) => new(0, far, false);

    public static DatagramRoute None(int error) => new(error, default, false);
}

/// <summary>What addresses of datagrams stand for. It is remembered for a while, so that the service is not asked for each datagram.</summary>
internal sealed class DatagramNames(InterceptClient client, SuperviseOptions options)
{
    private const int MaxRemembered = 4_096;
    private const long RememberMs = 5_000;

    private readonly ConcurrentDictionary<(bool IsFar, InetEndpoint Near, InetEndpoint Key), (InetEndpoint Value, long At)> _known = new();

    /// <summary>Where datagrams to an address are sent to.</summary>
    public async ValueTask<DatagramRoute> FindFarAsync(SocketDescriptor socket, InetEndpoint destination, bool isConnecting)
    {
        if (!socket.TryGetNear(out var near))
            return default;
        if (near.Port != 0 && !isConnecting && TryRecall((false, near, destination), out var far))
            return DatagramRoute.To(far);
        var request = client.For(InterceptOperation.Send);
        request.VirtualEndpoint = InterceptEndpoint.Of(destination);
        if (isConnecting)
            request.Flags |= InterceptFlags.Connect;
        if (options.Listening == ListenPlace.Virtual)
            request.Flags |= InterceptFlags.Groups;
        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        if (reply.Error != 0)
            return DatagramRoute.None(reply.Error);
        if (reply.Verdict == InterceptVerdict.Host)
        {
            return options.IsIsolated && !SocketName.IsLoopback(destination) ? DatagramRoute.None(Errno.NetworkUnreachable)
                : new DatagramRoute(0, default, IsSystemsEcho: ((InterceptFlags)reply.Flags & InterceptFlags.Echo) != 0);
        }

        if (!reply.First.TryRead(out far) || !socket.TryGetNear(out near))
            return DatagramRoute.None(Errno.NetworkUnreachable);
        Remember((false, near, destination), far);
        return DatagramRoute.To(far);
    }

    /// <summary>Whom a datagram came from. Null: from another program of this machine to a virtual socket.</summary>
    public async ValueTask<InetEndpoint?> FindSenderAsync(SocketDescriptor socket, InetEndpoint far)
    {
        if (!socket.TryGetNear(out var near))
            return far;
        if (!SocketName.IsFar(far))
            return SocketName.IsNear(near) ? null : far;
        if (TryRecall((true, near, far), out var sender))
            return sender;
        var request = client.For(InterceptOperation.Names);
        request.FarEndpoint = InterceptEndpoint.Of(far);
        var reply = await client.AskAsync(request, socket, CancellationToken.None).ConfigureAwait(false);
        if (reply is not { Error: 0, Verdict: InterceptVerdict.Virtual } || !reply.Second.TryRead(out sender))
            return null;
        Remember((true, near, far), sender);
        return sender;
    }

    private bool TryRecall((bool IsFar, InetEndpoint Near, InetEndpoint Key) key, out InetEndpoint value)
    {
        var isKnown = _known.TryGetValue(key, out var known) && Environment.TickCount64 - known.At < RememberMs;
        value = known.Value;
        return isKnown;
    }

    private void Remember((bool IsFar, InetEndpoint Near, InetEndpoint Key) key, InetEndpoint value)
    {
        if (_known.Count >= MaxRemembered)
            _known.Clear();
        _known[key] = (value, Environment.TickCount64);
    }
}

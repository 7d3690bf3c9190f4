using System.Net;
using System.Net.Sockets;

namespace Lanyard;

/// <summary>
/// Connects to the first of several addresses that answers (RFC 8305). The address families alternate. The next attempt starts when an attempt fails or has not
/// answered within 250 ms. The first connection cancels the other attempts. All callers that connect by name use it.
/// </summary>
public static class HappyEyeballs
{
    /// <summary>The time before the next attempt starts, 250 ms: the Connection Attempt Delay of RFC 8305 section 8.</summary>
    public static TimeSpan AttemptDelay { get; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Sorts addresses in the order of the attempts: the families alternate, and each family keeps its order (RFC 8305 section 4).</summary>
    /// <param name="addresses">One or more addresses, preferred addresses first.</param>
    internal static IPAddress[] Order(IReadOnlyList<IPAddress> addresses)
    {
        var firstFamily = addresses[0].AddressFamily;
        var first = addresses.Where(address => address.AddressFamily == firstFamily).ToArray();
        var second = addresses.Where(address => address.AddressFamily != firstFamily).ToArray();
        var ordered = new List<IPAddress>(addresses.Count);
        for (var i = 0; i < Math.Max(first.Length, second.Length); i++)
        {
            if (i < first.Length)
                ordered.Add(first[i]);
            if (i < second.Length)
                ordered.Add(second[i]);
        }

        return [.. ordered];
    }

    /// <summary>Connects to the first address that answers.</summary>
    /// <typeparam name="T">The connection type. Connections that open too late are disposed.</typeparam>
    /// <param name="addresses">One or more addresses, preferred addresses first.</param>
    /// <param name="connect">Connects to one address. Another exception than the two below ends all attempts.</param>
    /// <param name="timeProvider">The clock of <see cref="AttemptDelay"/>; null (the default) for the system's.</param>
    /// <param name="cancellationToken">Cancels all attempts.</param>
    /// <returns>The first connection.</returns>
    /// <exception cref="LanyardSocketException">No address answered: the last failure.</exception>
    /// <exception cref="SocketException">No address answered: the last failure.</exception>
    /// <exception cref="ArgumentException">There is no address.</exception>
    public static Task<T> ConnectAsync<T>(
        IReadOnlyList<IPAddress> addresses, Func<IPAddress, CancellationToken, Task<T>> connect, TimeProvider? timeProvider = null, CancellationToken cancellationToken = default)
        where T : class, IDisposable
    {
        ArgumentNullException.ThrowIfNull(addresses);
        ArgumentNullException.ThrowIfNull(connect);
        return addresses.Count switch
        {
            0 => throw new ArgumentException("Give one or more addresses.", nameof(addresses)),
            1 => connect(addresses[0], cancellationToken),
            _ => ConnectToFirstAsync(addresses, connect, timeProvider ?? TimeProvider.System, cancellationToken),
        };
    }

    private static async Task<T> ConnectToFirstAsync<T>(
        IReadOnlyList<IPAddress> addresses, Func<IPAddress, CancellationToken, Task<T>> connect, TimeProvider timeProvider, CancellationToken cancellationToken)
        where T : class, IDisposable
    {
        var waiting = new Queue<IPAddress>(Order(addresses));
        var running = new List<Task<T>>();
        using var attempts = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            while (true)
            {
                if (waiting.Count > 0)
                    running.Add(connect(waiting.Dequeue(), attempts.Token));
                List<Task> next = [.. running];
                if (waiting.Count > 0)
                    next.Add(Deadline.Delay(timeProvider, AttemptDelay, attempts.Token));
                if (await Task.WhenAny(next).ConfigureAwait(false) is not Task<T> ended)
                    continue;
                running.Remove(ended);
                try
                {
                    return await ended.ConfigureAwait(false);
                }
                catch (Exception failure) when (failure is LanyardSocketException or SocketException && (waiting.Count > 0 || running.Count > 0))
                {
                    // Another address may answer.
                }
            }
        }
        finally
        {
            attempts.Cancel();
            foreach (var late in running)
                _ = DisposeLateAsync(late);
        }
    }

    private static async Task DisposeLateAsync<T>(Task<T> late)
        where T : class, IDisposable
    {
        try
        {
            (await late.ConfigureAwait(false)).Dispose();
        }
        catch (Exception given) when (given is LanyardException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The attempt failed or was canceled.
        }
    }
}

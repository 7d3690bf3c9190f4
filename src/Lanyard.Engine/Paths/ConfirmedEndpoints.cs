using Lanyard.Primitives;

namespace Lanyard.Engine.Paths;

/// <summary>The endpoints of all paths of all peers. Datagrams from other endpoints count as strangers'.</summary>
internal sealed class ConfirmedEndpoints
{
    private readonly Dictionary<InetEndpoint, int> _paths = [];

    /// <summary>Whether an endpoint is a path of any peer.</summary>
    public bool Contains(in InetEndpoint endpoint) => _paths.ContainsKey(endpoint);

    public void Add(in InetEndpoint endpoint) => _paths[endpoint] = _paths.GetValueOrDefault(endpoint) + 1;

    public void Remove(in InetEndpoint endpoint)
    {
        if (!_paths.TryGetValue(endpoint, out var count))
            return;
        if (count > 1)
            _paths[endpoint] = count - 1;
        else
            _paths.Remove(endpoint);
    }
}

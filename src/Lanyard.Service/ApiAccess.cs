using System.Net;
using Lanyard.Primitives;
using Microsoft.AspNetCore.Http;

namespace Lanyard.Service;

/// <summary>
/// Who may ask what: from this machine, or from a network of <c>settings.allowManagementFrom</c>, with the token; to read metrics, with that of
/// <c>metricstoken.secret</c> too.
/// </summary>
internal sealed class ApiAccess(ApiToken token, ApiToken metricsToken, ConfigurationKeeper configuration)
{
    /// <summary>Whether a request comes from where requests may come from.</summary>
    public bool IsFromHere(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is not { } address)
            return false;
        if (IPAddress.IsLoopback(address))
            return true;
        var remote = InetAddress.FromIPAddress(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);
        foreach (var network in configuration.Current.AllowManagementFrom)
        {
            if (network.Contains(remote))
                return true;
        }

        return false;
    }

    /// <summary>
    /// Whether a request that shows no token names this machine as its host, as far as it comes from this machine. A web page whose own name was made to lead here
    /// (DNS rebinding) names itself.
    /// </summary>
    public static bool NamesOwnHost(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is { } address && !IPAddress.IsLoopback(address))
            return true;
        var host = context.Request.Host.Host.Trim('[', ']');
        return host.Length == 0 || IPAddress.TryParse(host, out _) || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase) || host.Equals(Environment.MachineName, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>
    /// Whether a request shows a token that lets it in. The first place in which there is a token decides, in the order in which existing tools
    /// expect it.
    /// </summary>
    public bool HasToken(HttpRequest request, bool forMetrics)
    {
        if (request.Headers.TryGetValue("X-ZT1-Auth", out var header))
            return Matches(header, forMetrics);
        if (request.Query.TryGetValue("auth", out var parameter))
            return Matches(parameter, forMetrics);
        const string Bearer = "Bearer ";
        var authorization = request.Headers.Authorization.ToString();
        return authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) && Matches(authorization[Bearer.Length..].Trim(), forMetrics);
    }

    private bool Matches(string? shown, bool forMetrics) => token.Matches(shown) || (forMetrics && metricsToken.Matches(shown));
}

using System.Net;
using Lanyard.Primitives;
using Microsoft.AspNetCore.Http;

namespace Lanyard.Service;

/// <summary>
/// Authorizes callers of the API: on this machine or on a network of <c>settings.allowManagementFrom</c>, with the token; for metrics, the token of
/// <c>metricstoken.secret</c> is enough.
/// </summary>
internal sealed class ApiAccess(ApiToken token, ApiToken metricsToken, ConfigurationKeeper configuration)
{
    /// <summary>Returns whether a request comes from this machine or a permitted network.</summary>
    public bool IsPermittedCaller(HttpContext context)
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
    /// Returns whether a request without a token has this machine as its host. A web page whose DNS name was changed to an address of this machine
    /// (DNS rebinding) has its own name as the host.
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
    /// Returns whether a request has a valid token. The first place that contains a token decides, in the order that existing tools
    /// expect.
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

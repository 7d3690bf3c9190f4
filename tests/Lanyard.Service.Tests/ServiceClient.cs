using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Lanyard.Service.Tests;

/// <summary>Calls a service's API like a program of the service's user.</summary>
internal sealed class ServiceClient : IDisposable
{
    private readonly HttpClient _http;

    public ServiceClient(LanyardService service, string home, bool withToken = true)
    {
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, Expect100ContinueTimeout = TimeSpan.FromMinutes(1) }) { BaseAddress = new Uri($"http://127.0.0.1:{service.Port}") };
        Token = File.ReadAllText(Path.Combine(home, "authtoken.secret"));
        if (withToken)
            _http.DefaultRequestHeaders.Add("X-ZT1-Auth", Token);
    }

    public string Token { get; }

    public async Task<(HttpStatusCode Status, JsonElement Json)> SendAsync(string method, string path, string? body = null, Action<HttpRequestHeaders>? headers = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        headers?.Invoke(request.Headers);
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        using var document = JsonDocument.Parse(text);
        return (response.StatusCode, document.RootElement.Clone());
    }

    /// <summary>Calls and gives what is answered, whatever it is.</summary>
    public async Task<(HttpStatusCode Status, string? ContentType, string Body)> FetchAsync(string path, string? token = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (token is not null)
            request.Headers.Add("X-ZT1-Auth", token);
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        return (response.StatusCode, response.Content.Headers.ContentType?.ToString(), await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Calls and expects success.</summary>
    public async Task<JsonElement> CallAsync(string method, string path, string? body = null)
    {
        var (status, json) = await SendAsync(method, path, body);
        Assert.True(status == HttpStatusCode.OK, $"{method} {path}: {status} {json.GetRawText()}");
        return json;
    }

    /// <summary>Calls and expects a refusal with an explanation.</summary>
    public async Task<string> FailAsync(HttpStatusCode expected, string method, string path, string? body = null, Action<HttpRequestHeaders>? headers = null)
    {
        var (status, json) = await SendAsync(method, path, body, headers);
        Assert.Equal(expected, status);
        return json.GetProperty("error").GetString()!;
    }

    public void Dispose() => _http.Dispose();
}
